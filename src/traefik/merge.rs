//! Whether what two containers say of one name goes together.
//!
//! Source: Traefik 3.7 `pkg/provider/merge.go` (`tryMerge`) and the `Merge` methods of `pkg/config/dynamic`. Compared is
//! what Traefik would hold, with its defaults filled in (Go `reflect.DeepEqual`): a default that one container writes out
//! and the other does not is no difference.

use std::sync::Arc;

use super::schema::Value;
use super::{http, middleware, tcp, tls, udp};

/// Something that has a name and may be declared by several containers.
pub(crate) trait Merge {
    /// Takes in what another container says; `false` if it says something else.
    fn merge(self: &mut Arc<Self>, other: &Self) -> bool;
}

macro_rules! equal_or_not {
    ($($type:ty),*) => {
        $(impl Merge for $type {
            fn merge(self: &mut Arc<Self>, other: &Self) -> bool {
                **self == *other || Self::clone(self).normal() == other.clone().normal()
            }
        })*
    };
}
equal_or_not!(http::Router, http::Model, middleware::Middleware, tcp::Router, tcp::Middleware, udp::Router, tls::Store);

macro_rules! services {
    ($($protocol:ident, $address:ident);*) => {
        $(impl Merge for $protocol::Service {
            /// The other's servers join, unless their address is there; everything else of the balancers must agree.
            /// Nothing but the balancers is compared, where both have one.
            fn merge(self: &mut Arc<Self>, other: &Self) -> bool {
                let (Some(own), Some(others)) = (&mut Arc::make_mut(self).load_balancer, &other.load_balancer) else {
                    return Self::clone(self).normal() == other.clone().normal();
                };
                let (servers, joining) = (own.servers.take(), &others.servers);
                let mut rest = others.clone();
                rest.servers = None;
                let agree = *own == rest || own.clone().normal() == rest.normal();
                own.servers = servers;
                if agree {
                    for server in joining.iter().flatten() {
                        let servers = own.servers.get_or_insert_default();
                        let there = |it: &$protocol::Server| {
                            it.$address.as_deref().unwrap_or_default() == server.$address.as_deref().unwrap_or_default()
                        };
                        if !servers.iter().any(there) {
                            servers.push(server.clone());
                        }
                    }
                }
                agree
            }
        })*
    };
}
services!(http, url; tcp, address; udp, address);
