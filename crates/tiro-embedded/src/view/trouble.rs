//! A view that cannot be read or written: told once to whoever can end the process, so that the next start makes the view anew.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ViewError;

type OnDamage = Box<dyn Fn(&ViewError) + Send + Sync>;

/// Shared by a view and its snapshots.
#[derive(Default)]
pub(crate) struct Trouble {
    reported: AtomicBool,
    on_damage: OnceLock<OnDamage>,
}

impl Trouble {
    /// From now on, the first damage that anyone meets is told to `on_damage`, on that one's thread. Counts once.
    pub(crate) fn tell(&self, on_damage: OnDamage) {
        self.on_damage.get_or_init(|| on_damage);
    }

    /// The view has failed. What the machine refused is no damage; it may succeed the next time.
    pub(crate) fn report(&self, error: &ViewError) {
        if error.refused().is_none()
            && let Some(on_damage) = self.on_damage.get()
            && !self.reported.swap(true, Ordering::Relaxed)
        {
            on_damage(error);
        }
    }
}
