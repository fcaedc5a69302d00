//! The journal: one row per job, moved by compare-and-set, durable before the network is touched.
