//! What people look at afterwards: counts, costs, a page, an export. Reads the journal, changes nothing.
