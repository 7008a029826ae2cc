// SPDX-License-Identifier: GPL-2.0

//! How an import is mapped, and taken back by its exporter.

use super::{
    super::{
        Attachment,
        MappedAttachment,
        ResvLocked,
        VMap, //
    },
    DynamicImport, //
};
use core::{
    mem,
    ptr, //
};
use kernel::{
    dma::DataDirection,
    prelude::*,
    sync::atomic::Relaxed, //
};

/// How often memory that moves while it is being mapped is mapped again.
pub(super) const MAX_MAP_RETRIES: usize = 4;

/// What an import is mapped for.
pub(super) enum Mapping {
    Cpu(VMap<'static>),
    /// A device that writes it.
    Device(MappedAttachment<'static>),
}

impl Mapping {
    fn new(
        attachment: Attachment<'static>,
        is_dma: bool,
        resv: &ResvLocked<'_>,
    ) -> Result<Self, (Error, Attachment<'static>)> {
        if is_dma {
            let dir = DataDirection::FromDevice;
            attachment.map_locked(dir, resv).map(Self::Device)
        } else {
            VMap::new_locked(attachment, resv).map(Self::Cpu)
        }
    }

    fn unmap(self, resv: &ResvLocked<'_>) -> Attachment<'static> {
        match self {
            Self::Cpu(vmap) => vmap.unmap_locked(resv),
            Self::Device(mapped) => mapped.unmap_locked(resv),
        }
    }
}

/// How far an import has come.
pub(super) enum State {
    /// Not attached yet, or not any more.
    Detached,
    Attached {
        attachment: Attachment<'static>,
        /// Whether the exporter has called `invalidate_mappings()`.
        is_invalidated: bool,
    },
    Mapped(Mapping),
    /// On the way from one to another, in the hands of who has the reservation lock. What is mapped
    /// by then is of no use if the exporter has called `invalidate_mappings()` meanwhile.
    Changing {
        is_invalidated: bool,
    },
}

impl DynamicImport {
    pub(super) fn map_slow(&self) -> Result {
        for _ in 0..MAX_MAP_RETRIES {
            self.attach_again()?;
            if self.dma_buf().with_resv_lock(|resv| self.try_map(resv))? {
                return Ok(());
            }
        }
        Err(EBUSY)
    }

    /// Attaches anew if the exporter has taken the memory back since.
    ///
    /// This is where an exporter that has revoked it refuses: it cannot when it maps the memory for
    /// the CPU, as dma-buf takes that for a bug (`dma_buf_vmap()` warns).
    fn attach_again(&self) -> Result {
        let is_invalidated = matches!(
            *self.state.lock(),
            State::Attached {
                is_invalidated: true,
                ..
            } //
        );
        if !is_invalidated {
            return Ok(());
        }
        let new = self.attach(self.dma_buf())?;

        // Dropped without the locks, as detaching takes one.
        let old = self.dma_buf().with_resv_lock(|_| {
            let mut state = self.state.lock();

            match &mut *state {
                State::Attached {
                    attachment,
                    is_invalidated,
                } => {
                    *is_invalidated = false;
                    mem::replace(attachment, new)
                }
                // Mapped by another thread.
                _ => new,
            }
        });
        drop(old);
        Ok(())
    }

    /// Maps the memory; whether it has stayed where it was.
    fn try_map(&self, resv: &ResvLocked<'_>) -> Result<bool> {
        let Some(attachment) = self.take_attachment() else {
            return Ok(true);
        };
        match Mapping::new(attachment, self.is_dma, resv) {
            Ok(mapping) => match self.publish_mapping(mapping) {
                None => Ok(true),
                // Moved by the very call that has mapped it.
                Some(stale) => {
                    self.set_attached(stale.unmap(resv));
                    Ok(false)
                }
            },
            Err((e, attachment)) => {
                self.set_attached(attachment);
                Err(e)
            }
        }
    }

    /// Takes out the attachment, to map it.
    fn take_attachment(&self) -> Option<Attachment<'static>> {
        let mut state = self.state.lock();
        let next = State::Changing {
            is_invalidated: false,
        };

        match mem::replace(&mut *state, next) {
            State::Attached { attachment, .. } => Some(attachment),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Puts in what was mapped, unless the exporter has taken it back by now.
    fn publish_mapping(&self, mapping: Mapping) -> Option<Mapping> {
        let mut state = self.state.lock();

        if matches!(
            *state,
            State::Changing {
                is_invalidated: true
            }
        ) {
            return Some(mapping);
        }
        if let Mapping::Device(mapped) = &mapping {
            self.sg_table.store(mapped.as_raw(), Relaxed);
        }
        *state = State::Mapped(mapping);
        self.is_mapped.store(true, Relaxed);
        None
    }

    /// Puts in an attachment that has no mapping.
    pub(super) fn set_attached(&self, attachment: Attachment<'static>) {
        let mut state = self.state.lock();
        let is_invalidated = matches!(
            *state,
            State::Changing {
                is_invalidated: true
            }
        );

        *state = State::Attached {
            attachment,
            is_invalidated,
        };
    }

    /// Undoes the mapping, if there is one, which no device uses; it stays attached.
    pub(super) fn unmap(&self, resv: &ResvLocked<'_>) -> bool {
        let mut state = self.state.lock();
        let next = State::Changing {
            is_invalidated: true,
        };

        match mem::replace(&mut *state, next) {
            State::Mapped(mapping) => {
                self.is_mapped.store(false, Relaxed);
                self.sg_table.store(ptr::null_mut(), Relaxed);
                self.checked.store(0, Relaxed);
                drop(state);
                self.set_attached(mapping.unmap(resv));
                true
            }
            State::Attached { attachment, .. } => {
                *state = State::Attached {
                    attachment,
                    is_invalidated: true,
                };
                false
            }
            State::Changing { .. } => false,
            State::Detached => {
                *state = State::Detached;
                false
            }
        }
    }
}
