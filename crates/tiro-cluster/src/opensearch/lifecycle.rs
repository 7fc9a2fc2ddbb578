//! Which generation is written: found, made where there is none, and given up where it is of something else.

use super::generations::{Existing, Serving};
use super::{Generation, IndexError, SearchIndex};

/// How often a generation is looked for while others make, switch and delete them.
const LOOKS_MAX: u32 = 10;

impl SearchIndex {
    /// The generation that serves, if it is of this database and folding.
    ///
    /// # Errors
    /// [`IndexError::Missing`] where there is none, or only one of another database or an earlier folding.
    pub async fn current(&self) -> Result<Generation, IndexError> {
        match self.serving().await?.pop() {
            Some(existing) if self.is_ours(&existing)? => Ok(existing.generation),
            _ => Err(IndexError::Missing),
        }
    }

    /// In order. Mostly one; where two were made in the same moment both serve until [`SearchIndex::ensure`] is called, and
    /// a search that asks both has the candidates of both, so what either promises.
    pub(super) async fn serving(&self) -> Result<Vec<Existing>, IndexError> {
        let mut generations = self.generations().await?;
        generations.retain(|one| one.serves);
        Ok(generations)
    }

    /// The generation that serves; makes an empty one where there is none, and in place of one that is of another
    /// database or an earlier folding. Many may call it at once.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn ensure(&self) -> Result<Generation, IndexError> {
        for _ in 0..LOOKS_MAX {
            let mut generations = self.generations().await?;
            let next = generations
                .last()
                .map_or(1, |latest| latest.generation.number() + 1);
            generations.retain(|one| one.serves);
            let Some(latest) = generations.pop() else {
                self.create(&self.generation(next), Serving::AtOnce).await?;
                continue;
            };
            for earlier in &generations {
                self.delete(&earlier.generation).await?;
            }
            if self.is_ours(&latest)? {
                return Ok(latest.generation);
            }
            let index = latest.generation.index();
            tracing::warn!(
                index,
                "the search index is of another database or folding: it is made anew"
            );
            self.delete(&latest.generation).await?;
        }
        Err(IndexError::Missing)
    }

    /// Gives up a generation that knows more than the database, which was put back to an earlier state. Until the next
    /// [`SearchIndex::ensure`] there is none.
    pub(crate) async fn discard(&self, generation: &Generation) -> Result<(), IndexError> {
        let index = generation.index();
        tracing::warn!(
            index,
            "the search index is ahead of the database: it is made anew"
        );
        self.delete(generation).await
    }

    /// The generation after `serving`, which does not serve yet. One that was begun earlier, or is being filled by
    /// somebody else, is the same: what is in it counts.
    pub(crate) async fn begin_next(&self, serving: &Generation) -> Result<Generation, IndexError> {
        let next = self.generation(serving.number() + 1);
        for _ in 0..LOOKS_MAX {
            let begun = self.generations().await?;
            match begun.into_iter().find(|one| one.generation == next) {
                Some(existing) if self.is_ours(&existing)? => return Ok(next),
                Some(_) => self.delete(&next).await?,
                None => self.create(&next, Serving::WhenSwitched).await?,
            }
        }
        Err(IndexError::Missing)
    }

    /// Lets `next` serve in place of `serving`, and deletes all earlier ones. Done already is fine.
    pub(crate) async fn finish_next(
        &self,
        serving: &Generation,
        next: &Generation,
    ) -> Result<(), IndexError> {
        self.refresh(next).await?;
        match self.switch(serving, next).await {
            Err(IndexError::Missing) if self.current().await? == *next => {}
            switched => switched?,
        }
        for earlier in self.generations().await? {
            if earlier.generation.number() < next.number() {
                self.delete(&earlier.generation).await?;
            }
        }
        Ok(())
    }

    /// Deletes every generation of this cluster: for tests, and for who takes a cluster down.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn delete_all(&self) -> Result<(), IndexError> {
        for existing in self.generations().await? {
            self.delete(&existing.generation).await?;
        }
        Ok(())
    }

    pub(super) fn is_ours(&self, existing: &Existing) -> Result<bool, IndexError> {
        let Some(identity) = &existing.identity else {
            return Ok(false);
        };
        if identity.folding_version > self.identity.folding_version {
            let folding_version = identity.folding_version;
            return Err(IndexError::Newer { folding_version });
        }
        Ok(*identity == self.identity)
    }
}
