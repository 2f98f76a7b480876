//! What answers requests, by subject.

pub mod auth;
pub mod media;
pub mod pages;
pub mod receive;
pub mod upload;
