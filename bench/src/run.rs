//! All figures, row after row. A row knows its own programs, floors and goals; this only says which
//! rows there are.

use ark_video_bench::{Result, create, download, inline, interleaved::Interleaved, journal, page, python};
use clap::ValueEnum;

use crate::{simulator, start};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each program runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Which rows, separated by commas; all of them otherwise
    #[arg(long, value_delimiter = ',')]
    rows: Vec<Row>,
    /// A throw-away PostgreSQL database for the row `journal`
    #[arg(long, value_name = "postgres://…")]
    postgres: Option<String>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Creates, 1, 16 and 256 at a time: against a bare reqwest loop
    Create,
    /// Creates and inline images: against the vendor's Python runtime
    Python,
    /// An image of 30 MB inside a request: against bare hyper with a SIMD encoder
    Inline,
    /// Decoding a page of 100 tasks: against plain serde structs
    Page,
    /// 500 MB to disk with hash and flush: against curl without
    Download,
    /// A batch's journal: cost of a shot among 1,000 to 100,000, and the memory of a runner
    Journal,
    /// Process start of the command to its first answer: against a process that does nothing
    Start,
    /// The simulator's throughput, memory and largest video: against bare routes
    Simulator,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let interleaved = Interleaved::start(args.rounds.max(1))?;
    println!("{}\n", interleaved.conditions());
    let mut unfinished = 0;
    for row in Row::value_variants() {
        if !args.rows.is_empty() && !args.rows.contains(row) {
            continue;
        }
        let measured = match row {
            Row::Create => create::row(&interleaved),
            Row::Python => python::row(&interleaved),
            Row::Inline => inline::row(&interleaved),
            Row::Page => page::row(&interleaved),
            Row::Download => download::row(&interleaved),
            Row::Journal => journal::row(&interleaved, args.postgres.as_deref()),
            Row::Start => start::row(&interleaved),
            Row::Simulator => simulator::run(&simulator::Args { rounds: interleaved.rounds }),
        };
        if let Err(error) = measured {
            println!("  this row did not run to its end: {error}");
            unfinished += 1;
        }
        println!();
    }
    if unfinished == 0 { Ok(()) } else { Err(format!("{unfinished} rows did not run to their end").into()) }
}
