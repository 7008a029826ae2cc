// SPDX-License-Identifier: GPL-2.0

//! The tests. Each runs in a process of its own, with a time limit; after each it is looked at what
//! is left behind, and the device is tried again.

mod alloc;
mod bad;
pub(crate) mod bench;
mod cache;
mod cgroup;
mod colours;
mod configfs;
mod dmabufs;
mod exports;
mod fences;
mod formats;
mod io;
mod leaks;
mod life;
mod limits;
mod mplane;
mod programs;
mod revoke;
pub(crate) mod runner;
mod sane;
mod sensor;
mod unbind;
mod userptrs;
mod watched;

use crate::dmabuf;
use crate::vgem;

pub use bench::Bench;
pub use bench::Outcome;
pub use runner::all;

/// A test, by the name that it goes by.
pub struct Test {
    pub name: &'static str,
    pub run: fn(&Bench) -> Outcome,
    /// Seconds that it may take.
    pub limit: u64,
    /// A file without which the kernel lacks what the test is about.
    pub needs: Option<&'static str>,
    /// What the cameras must be like, if they are not so by default.
    pub cameras: Cameras,
}

/// What cameras are like, by the module's parameters.
#[derive(PartialEq)]
pub enum Cameras {
    Any,
    /// One of them at least is multi-planar.
    Multiplanar,
    /// They make errors when asked to.
    Errors,
}

const fn test(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        name,
        run,
        limit: 90,
        needs: None,
        cameras: Cameras::Any,
    }
}

const fn configfs(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        needs: Some(configfs::DIRECTORY),
        ..test(name, run)
    }
}

/// A test of the system heap.
const fn heap(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        needs: Some(dmabuf::HEAP),
        ..test(name, run)
    }
}

/// A test of fences, which vgem makes.
const fn fence(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        needs: Some(vgem::MODULE),
        ..test(name, run)
    }
}

const fn multiplanar(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        cameras: Cameras::Multiplanar,
        ..test(name, run)
    }
}

const fn errors(name: &'static str, run: fn(&Bench) -> Outcome) -> Test {
    Test {
        cameras: Cameras::Errors,
        ..test(name, run)
    }
}

/// What is run after every test.
pub const AFTERWARDS: &str = "sane";

/// All tests, in the order in which they are run.
pub const TESTS: &[Test] = &[
    test(AFTERWARDS, sane::capture),
    test("formats/enumerate", formats::enumerate),
    configfs("formats/ranges", formats::ranges),
    test("formats/negotiate", formats::negotiate),
    test("formats/padding", formats::padding),
    test("formats/busy", formats::busy),
    test("formats/capture", formats::capture),
    test("formats/rates", formats::rates),
    test("row-6/flags", colours::flags),
    test("row-6/colours", colours::colours),
    test("row-6/defaults", colours::defaults),
    test("row-6/unknown", colours::unknown),
    test("row-6/survives", colours::survives),
    configfs("sensor/selection", sensor::selection),
    test("sensor/light", sensor::light),
    configfs("sensor/timing", sensor::timing),
    test("sensor/timestamps", sensor::timestamps),
    errors("errors/once", sensor::errors),
    errors("errors/disconnect", sensor::disconnect),
    test("ioctl-errors/unknown", bad::unknown),
    test("ioctl-errors/reqbufs", bad::reqbufs),
    test("ioctl-errors/indices", bad::indices),
    test("ioctl-errors/dqbuf", bad::dqbuf),
    test("ioctl-errors/streamon", bad::streamon),
    test("ioctl-errors/owner", bad::owner),
    test("ioctl-errors/expbuf", bad::expbuf),
    test("ioctl-errors/create-bufs", bad::create_bufs),
    test("ioctl-errors/mmap", bad::mmap),
    test("ioctl-errors/mixed", bad::mixed),
    test("dmabuf/wrong-fd", dmabufs::wrong_fd),
    test("dmabuf/too-small", dmabufs::too_small),
    test("dmabuf/read-only", dmabufs::read_only),
    test("dmabuf/access-mode", dmabufs::access_mode),
    test("dmabuf/udmabuf", dmabufs::udmabuf),
    heap("dmabuf/heap", dmabufs::heap),
    test("dmabuf/vivid", dmabufs::vivid),
    test("dmabuf/each-other", dmabufs::each_other),
    test("dmabuf/own", dmabufs::own),
    fence("dmabuf/fence", dmabufs::fence),
    fence("row-13/others", fences::others),
    fence("row-13/stopping", fences::stopping),
    fence("row-14/readers", fences::readers),
    test("dmabuf/rotating", dmabufs::rotating),
    test("dmabuf/shared-index", dmabufs::shared_index),
    test("dmabuf/output", dmabufs::output),
    test("dmabuf/format-change", dmabufs::format_change),
    test("cache/hits", cache::hits),
    test("cache/reused", cache::reused),
    test("cache/unused", cache::unused),
    test("cache/pressure", cache::pressure),
    test("cache/bounded", cache::bounded),
    test("revoke/queued", revoke::queued),
    test("revoke/attach", revoke::attach),
    test("revoke/o-path", revoke::o_path),
    multiplanar("mplane/formats", mplane::formats),
    multiplanar("row-6/mplane", colours::mplane),
    multiplanar("mplane/mmap", mplane::mmap),
    multiplanar("mplane/padding", mplane::padding),
    multiplanar("mplane/userptr", mplane::userptr),
    multiplanar("mplane/dmabufs", mplane::dmabufs),
    multiplanar("mplane/export", mplane::export),
    multiplanar("mplane/same", mplane::same),
    multiplanar("mplane/changing", mplane::changing),
    multiplanar("mplane/wrong", mplane::wrong),
    multiplanar("mplane/create", mplane::create),
    multiplanar("mplane/rotating", mplane::rotating),
    test("export/twice", exports::twice),
    test("export/importers", exports::importers),
    test("export/sync", exports::sync),
    fence("export/fence", exports::fence),
    test("export/dup", exports::dup),
    test("export/fork", exports::fork),
    test("export/inherited", exports::inherited),
    test("export/scm-rights", exports::scm_rights),
    test("alloc/many", alloc::many),
    test("alloc/too-much", alloc::too_much),
    test("userptr/kinds", userptrs::kinds),
    Test {
        needs: Some(userptrs::HUGE_PAGES),
        ..test("userptr/huge", userptrs::huge)
    },
    test("userptr/device-memory", userptrs::device_memory),
    test("userptr/wrong", userptrs::wrong),
    test("userptr/unmapped-meanwhile", userptrs::unmapped_meanwhile),
    test("row-7/userptr-1080p", limits::userptr_1080p),
    test("row-8/userptr-pool", limits::userptr_pool),
    test("row-11/buffers-in-bytes", limits::buffers_in_bytes),
    test("row-11/userptr-bytes", limits::userptr_bytes),
    Test {
        needs: Some(cgroup::NEEDS),
        ..test("row-11/cgroup", cgroup::charged)
    },
    test("mmu-notifier/replaced", watched::replaced),
    test("mmu-notifier/rotating", watched::rotating),
    test("mmu-notifier/sealed", watched::sealed),
    test("mmu-notifier/read-only", watched::read_only),
    test("mmu-notifier/other-process", watched::other_process),
    test("mmu-notifier/fork", watched::fork),
    test("io/read", io::read),
    test("io/poll", io::poll),
    test("io/events", io::events),
    test("io/controls", io::controls),
    test("io/controls-busy", io::controls_busy),
    test("io/lost", io::lost),
    test("io/log-status", io::log_status),
    test("io/latency", io::latency),
    test("life/exporter-first", life::exporter_first),
    test("life/importer-first", life::importer_first),
    test("life/exporter-gone", unbind::exporter_gone_importer_writes),
    test("life/killed", life::killed),
    test("life/unbind-streaming", unbind::streaming),
    test("life/unbind-waiting", unbind::while_waiting),
    test("life/unbind-exported", unbind::exported),
    test("life/unbind-importer", unbind::importer),
    test("life/rmmod", life::rmmod),
    test("life/late", unbind::late),
    test("life/other-openers", life::other_openers),
    test("life/mapped-meanwhile", life::mapped_meanwhile),
    configfs("configfs/camera", configfs::camera),
    configfs("configfs/wrong", configfs::wrong),
    configfs("configfs/unplugged", configfs::unplugged),
    configfs("configfs/races", configfs::races),
    configfs("configfs/unbound", configfs::unbound),
    test("row-3/lists", programs::lists),
    test("row-4/stale-stride", programs::stale_stride),
    configfs("row-9/read-goes-on", programs::read_goes_on),
    test("row-10/poll-first", programs::poll_first),
    configfs("row-12/unplugged-events", programs::unplugged_events),
    test("row-15/read-only", programs::read_only),
    Test {
        needs: Some(programs::PM_TEST),
        ..test("row-16/suspend", programs::suspend)
    },
    configfs("row-17/directory-names", programs::directory_names),
    configfs("row-18/names", programs::names),
    test("leaks/mmap", leaks::mmap),
    test("leaks/userptr", leaks::userptr),
    test("leaks/dmabuf", leaks::dmabuf),
    test("leaks/streams", leaks::streams),
];
