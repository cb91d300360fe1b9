//! What to change so that a project is routed and isolated: edits of the operator's files, proven by judging again.
//!
//! ```text
//! edit       one change of a Compose file: a value, no words
//! apply      edits on an inventory: what the engine would say after `up -d`
//! bind       the hosts of today, bound to their networks
//! scope      whose remedies are wanted, from names
//! search     judge, edit, apply, judge again, until nothing is left to try
//! planner    all of it: what is searched for, and the remedies that come of it
//! of_owner   what the edits come to for one owner: what it loses, what the operator has to choose
//! files      where a project's files are, and what they need to say of what stays
//! left_out   routers that Traefik leaves out all the same, and who declares what they lack
//! outbound   the network and the names that an egress has for a project
//! part       what of it mends one reason alone
//! keep       all that has to be allowed on a container that stays as it is
//! ```
//!
//! Pure, total and bounded: [`search::MOST_ROUNDS`] compilations at most for each of [`search::MOST_STARTS`] starts.

mod apply;
mod bind;
mod compiled;
mod edit;
mod files;
mod keep;
mod left_out;
mod names;
mod networks;
mod of_owner;
mod outbound;
mod part;
mod planner;
mod remedies;
mod rules;
mod scope;
mod search;
mod traefik;

pub use apply::apply;
pub use compiled::Services;
pub use edit::{Binding, Change, Edit, NewNetwork, ServiceNetwork, What};
pub use files::files_of;
pub use keep::{Kept, allowing, keep, owner_of};
pub use left_out::{Declarer, LeftOut};
pub use names::{file_name, file_number, file_parts, is_made_for, is_writable};
pub use part::part;
pub use planner::{ask, plan};
pub use remedies::{Choice, Files, Lost, Remedies, Remedy, Said, Stays, Verdict};
pub use rules::{forwarding, is_about_isolation as is_for_edits};
pub use scope::{Scope, Unknown, Wishes, containers, find, wishes};
pub use search::{MOST_ROUNDS, MOST_STARTS};
pub use traefik::assume as assume_traefik;
