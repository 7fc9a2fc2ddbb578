//! What fails on the way to MySQL.
