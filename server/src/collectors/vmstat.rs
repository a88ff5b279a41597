//! Virtual memory: every line of `/proc/vmstat` (proc_vmstat(5), include/linux/vm_event_item.h of the kernel). Faults, reclaim,
//! swapping and kills have names of their own; the others are told by the kernel's word, so that a newer kernel's words are told
//! too. Words that count are rates; those that tell how many pages there are now stay as they are.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, lines},
    metric::{Fields, Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

const PATH: &str = "/proc/vmstat";

metrics! {
    FAULTS = rate("vm_page_faults_per_second", Unit::PerSecond, "Page faults", "all", "Times that a program touched memory that was not mapped, major ones included.");
    MAJOR = rate("vm_page_faults_major_per_second", Unit::PerSecond, "Page faults, major", "major", "Page faults that had to wait for a disk.");
    PAGED_IN = rate("vm_paged_in_bytes_per_second", Unit::BytesPerSecond, "Paging", "in", "Bytes that came from disks.").scale(1024.0);
    PAGED_OUT = rate("vm_paged_out_bytes_per_second", Unit::BytesPerSecond, "Paging", "out", "Bytes that went to disks.").scale(1024.0);
    SWAPPED_IN = rate("vm_swapped_in_pages_per_second", Unit::PerSecond, "Swapping", "in", "Pages that came back from swap.");
    SWAPPED_OUT = rate("vm_swapped_out_pages_per_second", Unit::PerSecond, "Swapping", "out", "Pages that went to swap.");
    OOM_KILLS = rate("vm_oom_kills_per_second", Unit::PerSecond, "Killed for lack of memory", "killed", "Processes that the kernel killed because memory ran out.");
    SCANNED_KSWAPD = rate("vm_scanned_background_pages_per_second", Unit::PerSecond, "Reclaim", "looked at, background", "Pages that the kernel looked at to free memory ahead of need.");
    SCANNED_DIRECT = rate("vm_scanned_direct_pages_per_second", Unit::PerSecond, "Reclaim", "looked at, directly", "Pages that a program that wanted memory had to look at itself.");
    RECLAIMED_KSWAPD = rate("vm_reclaimed_background_pages_per_second", Unit::PerSecond, "Reclaim", "freed, background", "Pages freed ahead of need.");
    RECLAIMED_DIRECT = rate("vm_reclaimed_direct_pages_per_second", Unit::PerSecond, "Reclaim", "freed, directly", "Pages freed by a program that wanted memory.");
    COMPACT_STALLS = rate("vm_compaction_stalls_per_second", Unit::PerSecond, "Compaction stalls", "stalls", "Times that a program waited for memory to be put together.");
    PAGES = gauge("vm_pages", Unit::Count, "Pages", "{}", "Pages now: {} of /proc/vmstat.").labels(&["state"]);
    EVENTS = rate("vm_events_per_second", Unit::PerSecond, "Other events of memory", "{}", "Counter {} of /proc/vmstat.").labels(&["event"]);
}

/// Words that begin as a number of pages and are counters all the same (mm/vmstat.c).
const COUNTERS: [&str; 9] = [
    "nr_dirtied",
    "nr_written",
    "nr_throttled_written",
    "nr_vmscan_write",
    "nr_vmscan_immediate_reclaim",
    "nr_foll_pin_acquired",
    "nr_foll_pin_released",
    "nr_memmap_boot_pages_freed",
    "nr_tlb_remote_flush",
];

static WORDS: Fields = Fields {
    named: &[
        ("pgfault", &FAULTS),
        ("pgmajfault", &MAJOR),
        ("pgpgin", &PAGED_IN),
        ("pgpgout", &PAGED_OUT),
        ("pswpin", &SWAPPED_IN),
        ("pswpout", &SWAPPED_OUT),
        ("oom_kill", &OOM_KILLS),
        ("pgscan_kswapd", &SCANNED_KSWAPD),
        ("pgscan_direct", &SCANNED_DIRECT),
        ("pgsteal_kswapd", &RECLAIMED_KSWAPD),
        ("pgsteal_direct", &RECLAIMED_DIRECT),
        ("compact_stall", &COMPACT_STALLS),
    ],
    other: |word| {
        let is = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
        // Always zero since Linux 5.0, kept for old readers.
        if word == "nr_unstable" {
            return None;
        }
        if (is(&["nr_"]) && !COUNTERS.contains(&word)) || word == "workingset_nodes" {
            return Some((&PAGES, pages_chart(word)));
        }
        Some((
            &EVENTS,
            match word {
                _ if is(&[
                    "pgscan",
                    "pgsteal",
                    "kswapd",
                    "pageoutrun",
                    "allocstall",
                    "drop_",
                    "slabs_",
                    "nr_vmscan",
                ]) =>
                {
                    "Reclaim, details"
                }
                _ if is(&["pgalloc", "pgfree", "pgskip"]) => "Pages given out",
                _ if is(&[
                    "pgact",
                    "pgdeact",
                    "pglazy",
                    "pgrefill",
                    "pgreuse",
                    "pgrotated",
                    "pginodesteal",
                    "pgculled",
                ]) =>
                {
                    "Pages moved between lists"
                }
                _ if is(&["workingset_"]) => "Working set",
                _ if is(&["compact_"]) => "Compaction",
                _ if is(&["thp_", "htlb_", "split_"]) => "Huge pages",
                _ if is(&["numa_", "pgmigrate", "pgpromote", "pgdemote"]) => "Memory nodes and moves",
                _ if is(&["unevictable_"]) => "Pages that stay",
                _ if is(&["swap_", "zswp", "swpin", "swpout", "ksm_", "cow_"]) => "Swap and sharing",
                _ if is(&["balloon_"]) => "Balloon",
                _ if is(&["direct_map", "vma_lock", "nr_foll", "nr_tlb"]) => "Maps and locks",
                _ => "Other events of memory",
            },
        ))
    },
};

fn pages_chart(word: &str) -> &'static str {
    let is = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    match word {
        _ if word.starts_with("nr_zone") => "Pages of zones",
        _ if is(&["huge", "pmdmapped"]) => "Huge pages, now",
        _ if is(&["active", "unevictable", "isolated", "mlock"]) => "Lists of pages",
        _ if is(&["slab", "kernel", "table", "stack", "kernel_misc"]) => "Pages of the kernel",
        _ if is(&["dirty", "writeback"]) => "Pages waiting for disk",
        _ => "Pages",
    }
}

/// See the module.
pub struct Vmstat {
    file: KernelFile,
    buffer: Buffer,
}

impl Default for Vmstat {
    fn default() -> Self {
        Vmstat {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Vmstat {
    fn name(&self) -> &'static str {
        "vmstat"
    }

    fn title(&self) -> &'static str {
        "Virtual memory"
    }

    fn source(&self) -> &'static str {
        "`/proc/vmstat` (proc_vmstat(5), include/linux/vm_event_item.h)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.file.read(&mut self.buffer);
        said(
            text.map_err(|error| CollectError::reading(PATH, &error))?,
            reading,
        );
        Ok(())
    }
}

/// What the file says.
pub fn said(text: &[u8], reading: &mut Reading) {
    for line in lines(text) {
        let mut words = Words(line);
        if let (Some(word), Some(count)) = (words.text(), words.number()) {
            reading.field(&WORDS, word, Some(count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn what_counts_is_a_rate_and_what_is_there_is_not() {
        let reading = between(
            b"nr_free_pages 5\nnr_dirtied 10\npgpgin 1\nnr_unstable 0\nnew_word 7\nodd\n",
            b"nr_free_pages 6\nnr_dirtied 14\npgpgin 3\nnr_unstable 0\nnew_word 6\nodd x\n",
            said,
        );
        assert_eq!(reading.values()[..3], [6.0, 4.0, 2048.0]);
        assert!(reading.values()[3].is_nan(), "it went back");
        assert_eq!(
            reading.schema()[3].key(),
            r#"vm_events_per_second{event="new_word"}"#
        );
    }
}
