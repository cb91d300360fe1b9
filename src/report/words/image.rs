//! IMG: what an image brings along.

use super::{About, listed};
use crate::policy::leeward_labels::IMAGE_LABELS;
use crate::policy::rules::image::{Cause, NoImage};
use crate::report::quoting::quoted;
use crate::report::visible::visible;

pub(super) fn words(cause: &Cause, About { name, label, .. }: About<'_>) -> String {
    match cause {
        Cause::Labels { image, labels } => {
            format!("image `{image}` of `{name}` brings labels of its own, which do not count: {}", listed(labels))
        }
        Cause::Project { image, labels } => {
            format!("image `{image}` of `{name}` names a Compose project, which does not count: {}", listed(labels))
        }
        Cause::Lost { image, labels } => {
            let comes = match labels.len() {
                0 | 1 => "comes".to_owned(),
                more => format!("and {} more come", more - 1),
            };
            format!("label `{label}` of `{name}` {comes} from its image `{image}`, not from you")
        }
        Cause::Unknown { image, why } => {
            let why = match why {
                NoImage::Unreadable(problem) => format!("image `{image}` could not be read: {problem}"),
                NoImage::NoVariant => {
                    format!("the engine does not say which variant of image `{image}` `{name}` was made from")
                }
                NoImage::Unnamed => format!("the engine did not say which image `{name}` was made from"),
                NoImage::Gone(id) => format!("image `{image}` ({id}) is not there to be read"),
            };
            format!("{why}; the labels of `{name}` cannot be told from those of its image")
        }
        Cause::DefaultRule { image, labels } => {
            format!("the default rule reads {} of `{name}`, which image `{image}` brings along", listed(labels))
        }
    }
}

pub(super) fn remedy(cause: &Cause) -> Option<String> {
    Some(match cause {
        Cause::Labels { .. } | Cause::Project { .. } => return None,
        Cause::Lost { labels, .. } => format!(
            "if you trust the image to configure Traefik, say so on the container:\nlabels:\n  {IMAGE_LABELS}: honor\n\
             else set each of these labels yourself, to a value that differs from the image's: {}",
            visible(&labels.join(", "))
        ),
        Cause::Unknown { image, .. } => format!(
            "pull the image and create the container again: docker compose up -d --force-recreate (or docker pull {} \
             and docker run); if a filter stands before the engine, let `GET /images/<id>/json` through, with its \
             `?platform=`; with containerd's image store, upgrade Docker to 28.1 or later",
            quoted(image)
        ),
        Cause::DefaultRule { .. } => format!(
            "set the label on the container yourself, to a value that differs from the image's, or write the rule; if you \
             trust the image:\nlabels:\n  {IMAGE_LABELS}: honor"
        ),
    })
}
