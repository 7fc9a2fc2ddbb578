//! The HTTP side over the reference engine. Every answer is held to the OpenAPI document (`support::contract`).

#![allow(clippy::unwrap_used, reason = "everything in this binary is a test")]

mod access;
mod applications;
mod batch;
mod changes;
mod chats;
mod classic;
mod conditions;
mod connections;
mod cors;
mod documents;
mod failures;
mod idempotency;
mod limits;
mod lists;
mod messages;
mod operations;
mod rate_limits;
mod readers;
mod search;
mod service;
mod support;
mod transfer;
