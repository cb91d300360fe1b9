//! What one compilation leaves to the next: what each container's labels say, and what was decided about it.
//!
//! It saves time and changes nothing. What labels say is a function of the labels that count, and those are compared; what is
//! decided follows from the container, its image, the settings and its [`super::basis`], and those are too.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::declaration::Declaration;
use super::steps::Conclusion;
use crate::inventory::{Container, Image, ImageId, Shared};
use crate::policy::context::{Candidate, Context};
use crate::settings::Settings;

/// What one compilation leaves to the next one under the same settings.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// In the order of the inventory.
    known: Vec<Remembered>,
    /// The images of that inventory.
    images: Shared<BTreeMap<ImageId, Image>>,
    /// The same of the compilation in which every Traefik is declared.
    pub(super) undeclared: Option<Box<Self>>,
}

/// One container, what its labels say, and what was decided about it.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    container: Arc<Container>,
    /// The labels of it that did not count.
    baked: Vec<String>,
    pub(super) declaration: Box<Declaration>,
    /// `None`: the container or its image is not what it was, or more would have to be as it was than is compared.
    pub(super) conclusion: Option<Arc<Conclusion>>,
}

impl Remembered {
    fn of(Candidate { container, labels, .. }: &Candidate<'_>, settings: &Settings) -> Self {
        Self {
            container: Arc::clone(container),
            baked: labels.baked.iter().map(|&label| label.to_owned()).collect(),
            declaration: Box::new(Declaration::of(container, labels, settings)),
            conclusion: None,
        }
    }

    /// Whether it is of this container, and its labels are what they were.
    fn holds_for(&self, Candidate { container, labels, .. }: &Candidate<'_>) -> bool {
        let Container { id, labels: own, swarm, excess, .. } = &***container;
        (Arc::ptr_eq(&self.container, container)
            || self.container.id == *id
                && self.container.labels == *own
                && self.container.excess == *excess
                && self.container.swarm.is_some() == swarm.is_some())
            && self.baked == labels.baked
    }

    /// For the next time; `is_image`: whether this was the image of the container it is of.
    fn again(self, candidate: &Candidate<'_>, is_image: impl Fn(&Container) -> bool) -> Self {
        let same = Arc::ptr_eq(&self.container, candidate.container) && is_image(&self.container);
        Self { container: Arc::clone(candidate.container), conclusion: self.conclusion.filter(|_| same), ..self }
    }
}

impl Memory {
    /// What is known of every container, in the order of the inventory; read only where the labels are not those of the last
    /// time.
    pub(super) fn read(&mut self, context: &Context<'_>) -> impl Iterator<Item = &Remembered> {
        let images = mem::replace(&mut self.images, context.inventory.images.clone());
        let same_images = images == self.images;
        // Both are in the order of the ids, and what is passed over is gone.
        let mut before = mem::take(&mut self.known).into_iter().peekable();
        let mut next = |candidate: &Candidate<'_>| {
            let is_before = |known: &Remembered| known.container.id < *candidate.id;
            while before.next_if(|known| !known.holds_for(candidate) && is_before(known)).is_some() {}
            let was_image = |container: &Container| {
                same_images || container.image_key().and_then(|key| images.get(key)) == candidate.image
            };
            match before.next_if(|known| known.holds_for(candidate)) {
                Some(known) => known.again(candidate, was_image),
                None => Remembered::of(candidate, context.settings),
            }
        };
        self.known = context.candidates.iter().map(&mut next).collect();
        self.known.iter()
    }

    /// Remembers what was decided, in the order of the inventory.
    pub(super) fn keep(&mut self, conclusions: impl IntoIterator<Item = Option<Arc<Conclusion>>>) {
        self.known.iter_mut().zip(conclusions).for_each(|(known, conclusion)| known.conclusion = conclusion);
    }
}
