//! What answers requests, by subject.

pub mod admin;
pub mod api;
pub mod auth;
mod batch;
pub mod cors;
pub mod events;
mod limits;
pub mod media;
pub mod operation;
mod order;
pub mod outbox;
pub mod pages;
pub mod receive;
mod server_information;
pub mod sign_in;
pub mod upload;
