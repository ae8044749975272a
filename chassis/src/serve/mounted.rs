//! What a thread serves: its services, and the tools of every server.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use http::Request;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::Service;

use crate::serve::ServeError;
use crate::serve::door::Served;
use crate::serve::hosts::Hosts;
use crate::serve::{reflection, translation};

/// A generated server that accepts messages of up to so many bytes, with or without gzip;
/// a macro because generated servers have no trait for it.
#[macro_export]
macro_rules! limited {
    ($server:expr, $bytes_max:expr) => {
        $server
            .max_decoding_message_size($bytes_max)
            .accept_compressed(::tonic::codec::CompressionEncoding::Gzip)
    };
}

/// The largest message of a service that sets no limit, in bytes.
const BYTES_MAX: usize = 64 * 1024;

/// The largest health request, in bytes.
const HEALTH_BYTES_MAX: usize = 1024;

/// What a thread serves.
pub struct Services {
    routes: Routes,
    names: Vec<&'static str>,
    pages: Vec<&'static str>,
    bytes_max: usize,
    stopping: watch::Receiver<bool>,
}

impl Services {
    fn new(stopping: watch::Receiver<bool>) -> Self {
        Self {
            // The tools also handle unknown paths.
            routes: Routes::from(axum::Router::new()),
            names: Vec::new(),
            pages: Vec::new(),
            bytes_max: BYTES_MAX,
            stopping,
        }
    }

    /// True once the server stops, so that endless streams can end.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Translates messages of other protocols than gRPC up to so many bytes of gRPC; the
    /// default is 64 KiB.
    #[must_use]
    pub fn translated_up_to(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Adds a gRPC service, with a health state under its name.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds a page, also for HTTP/1.1.
    #[must_use]
    pub fn with_page(mut self, path: &'static str, page: MethodRouter) -> Self {
        self.routes = self.routes.into_axum_router().route(path, page).into();
        self.pages.push(path);
        self
    }
}

/// The tools of a server: health and reflection, shared by all threads.
#[derive(Clone)]
struct Tools {
    routes: axum::Router,
    served: Arc<Served>,
}

impl Tools {
    fn new<H: Health>(
        health: HealthServer<H>,
        services: &Services,
        hosts: Hosts,
    ) -> Result<Self, ServeError> {
        let health = health.max_decoding_message_size(HEALTH_BYTES_MAX);
        let mut names = services.names.clone();
        names.push(HealthServer::<H>::NAME);
        let routes = reflection::add(Routes::new(health), &names)?;
        names.extend(reflection::SERVICES);
        Ok(Self {
            routes: routes.into_axum_router(),
            served: Arc::new(Served::new(
                &names,
                &services.pages,
                hosts,
                translation::wires(services.bytes_max),
            )),
        })
    }
}

/// Everything that a thread serves, the tools included.
pub(crate) struct Mounted {
    pub(crate) routes: Routes,
    pub(crate) served: Arc<Served>,
    /// The names of the services, without the tools.
    pub(crate) names: Vec<&'static str>,
}

/// Creates what each thread serves. Threads share the tools.
pub(crate) fn each<H: Health>(
    add: impl Fn(Services) -> Services + Send + Sync,
    health: HealthServer<H>,
    hosts: Hosts,
    stopping: watch::Receiver<bool>,
) -> impl Fn() -> Result<Mounted, ServeError> + Send + Sync {
    let tools: OnceLock<Tools> = OnceLock::new();
    move || {
        let services = add(Services::new(stopping.clone()));
        if tools.get().is_none() {
            let made = Tools::new(health.clone(), &services, hosts.clone())?;
            let _ = tools.set(made);
        }
        let tools = tools.wait();
        let routes = services.routes.into_axum_router();
        Ok(Mounted {
            routes: Routes::from(routes.merge(tools.routes.clone())).prepare(),
            served: Arc::clone(&tools.served),
            names: services.names,
        })
    }
}
