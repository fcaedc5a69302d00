//! Places at which a test lets the process die, to see what the next runner makes of it. Compiled
//! to nothing without the feature `crash-points`.

/// Where the process may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CrashPoint {
    /// The run has started, and nothing is claimed.
    BeforeClaim,
    /// Jobs are claimed, and nothing else.
    AfterClaim,
    /// The attempt is written down, and nothing is sent.
    AfterSubmitting,
    /// The service has answered, and nothing of it is written down.
    AfterAnswer,
    /// The task's id is written down.
    AfterSubmitted,
    /// The task is being waited for.
    WhileWaiting,
    /// The task's end is written down.
    AfterFinished,
    /// All bytes of the video are beside its name.
    AfterPart,
    /// The video has its name, and that is not written down.
    AfterRename,
    /// The video is reported, and not written down.
    AfterDownloaded,
    /// The job is done.
    AfterSettled,
}

impl CrashPoint {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 11] = [
        Self::BeforeClaim,
        Self::AfterClaim,
        Self::AfterSubmitting,
        Self::AfterAnswer,
        Self::AfterSubmitted,
        Self::WhileWaiting,
        Self::AfterFinished,
        Self::AfterPart,
        Self::AfterRename,
        Self::AfterDownloaded,
        Self::AfterSettled,
    ];
}

/// With which probability the process dies where. The default never does.
#[derive(Debug, Clone, Default)]
pub struct CrashPlan {
    #[cfg(feature = "crash-points")]
    armed: Option<(CrashPoint, f64, std::sync::Arc<std::sync::atomic::AtomicU64>)>,
}

impl CrashPlan {
    /// Dies at `point`, each time that it is reached with this probability, by a sequence of
    /// chances that `seed` fixes.
    #[cfg(feature = "crash-points")]
    #[must_use]
    pub fn at(point: CrashPoint, probability: f64, seed: u64) -> Self {
        let state = std::sync::atomic::AtomicU64::new(seed);
        Self { armed: Some((point, probability, std::sync::Arc::new(state))) }
    }

    #[cfg(not(feature = "crash-points"))]
    #[allow(clippy::unused_self, reason = "the other one of the two needs it")]
    pub(crate) fn reached(&self, _point: CrashPoint) {}

    /// Dies at once, as from `kill -9`: nothing is flushed, no destructor runs.
    #[cfg(feature = "crash-points")]
    pub(crate) fn reached(&self, point: CrashPoint) {
        let Some((here, probability, state)) = &self.armed else { return };
        if *here == point && chance(state) < *probability {
            std::process::abort();
        }
    }
}

/// SplitMix64: from 0 (included) to 1 (excluded).
#[cfg(feature = "crash-points")]
fn chance(state: &std::sync::atomic::AtomicU64) -> f64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut word = state.fetch_add(STEP, std::sync::atomic::Ordering::Relaxed).wrapping_add(STEP);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    // The upper 53 bits, which a float holds exactly.
    (word >> 11) as f64 / (1_u64 << 53) as f64
}
