//! How many statements load costs.
