//! Integration tests of the crate, one binary.
#![cfg(test)]

mod admin;
mod api;
mod commit;
mod create;
mod custom_attribute_links;
mod custom_attributes;
mod delete;
mod differential;
mod differential_queries;
mod encode;
mod events;
mod events_client;
mod events_update;
mod faults;
mod fuzz;
mod harness;
mod injection;
mod lifecycle;
mod media;
mod moves;
mod naive;
mod naive_conditions;
mod operations;
mod operations_http;
mod operations_sign_in;
mod references;
mod seed;
mod site;
mod snapshot;
mod store;
mod update;
mod upload;
