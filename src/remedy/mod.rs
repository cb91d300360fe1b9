//! What to change so that a project is routed and isolated: edits of the operator's files, proven by judging again.
//!
//! ```text
//! edit       one change of a Compose file: a value, no words
//! apply      edits on an inventory: what the engine would say after `up -d`
//! bind       the hosts of today, bound to their networks
//! planner    judge, edit, apply, judge again, until nothing is left to try
//! left_out   routers that Traefik leaves out all the same, and who declares what they lack
//! outbound   the network and the names that an egress has for a project
//! part       what of it mends one reason alone
//! keep       all that has to be allowed on a container that stays as it is
//! ```
//!
//! Pure, total and bounded: [`planner::MOST_ROUNDS`] compilations at most for each of [`planner::MOST_STARTS`] starts.

mod apply;
mod bind;
mod edit;
mod keep;
mod left_out;
mod names;
mod networks;
mod outbound;
mod part;
mod planner;
mod rules;
mod traefik;

pub use apply::apply;
pub use edit::{Binding, Change, Edit, NewNetwork, Seat, What};
pub use keep::{Kept, allowing, keep, owner_of};
pub use left_out::{Declarer, LeftOut};
pub use names::{file_name, file_number, file_parts, is_made_for, is_writable};
pub use part::part;
pub use planner::{
    Choice, Files, Lost, MOST_ROUNDS, MOST_STARTS, Remedies, Remedy, Said, Scope, Services, Stays, Unknown, Verdict,
    Wishes, ask, containers, files_of, find, is_liveness, plan, wishes,
};
pub use rules::{forwarding, is_about_isolation as is_for_edits};
pub use traefik::assume as assume_traefik;
