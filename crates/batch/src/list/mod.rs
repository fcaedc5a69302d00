//! The shot list: from a file that people write to planned jobs. Reads files, spends nothing.
