//! The chassis, tried over real sockets.

mod app;
mod caller;
mod connection;
mod deadline;
mod flood;
mod health;
mod key_feed;
mod reflection;
mod socket;
mod stop;
mod token;
mod wire;
