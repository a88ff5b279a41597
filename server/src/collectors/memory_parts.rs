//! Memory in all its parts: every line of `/proc/meminfo` (proc_meminfo(5)) that [`super::memory`] does not sum up, and free blocks
//! by size from `/proc/buddyinfo` (proc_buddyinfo(5)), which tell how fragmented memory is.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, lines},
    memory::{PATH, part},
    metric::{Fields, Metric, gauge, metrics},
};
use farol_model::metric::Unit;

const BUDDYINFO: &str = "/proc/buddyinfo";
/// Sizes of free blocks that are told, in powers of two.
const ORDERS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

metrics! {
    DIRTY = gauge("memory_dirty_bytes", Unit::Bytes, "Waiting for disk", "dirty", "Changed files in memory that are to be written to disk.");
    WRITEBACK = gauge("memory_writeback_bytes", Unit::Bytes, "Waiting for disk", "being written", "Changed files that are being written to disk right now.");
    SLAB = gauge("memory_slab_bytes", Unit::Bytes, "Memory of the kernel", "slab", "Objects that the kernel keeps for itself.");
    SLAB_RECLAIMABLE = gauge("memory_slab_reclaimable_bytes", Unit::Bytes, "Memory of the kernel", "slab, can be given back", "Caches of the kernel that are given back when needed.");
    SLAB_UNRECLAIMABLE = gauge("memory_slab_unreclaimable_bytes", Unit::Bytes, "Memory of the kernel", "slab, cannot be given back", "Objects of the kernel that stay.");
    STACKS = gauge("memory_kernel_stack_bytes", Unit::Bytes, "Memory of the kernel", "stacks", "Stacks of tasks in the kernel.");
    PAGE_TABLES = gauge("memory_page_tables_bytes", Unit::Bytes, "Memory of the kernel", "page tables", "Tables that map addresses of programs to memory.");
    ANONYMOUS = gauge("memory_anonymous_bytes", Unit::Bytes, "Memory by use", "of programs", "Memory of programs that is no file.");
    MAPPED = gauge("memory_mapped_bytes", Unit::Bytes, "Memory by use", "mapped files", "Files that programs have mapped.");
    SHARED = gauge("memory_shared_bytes", Unit::Bytes, "Memory by use", "shared", "Shared memory and files in tmpfs.");
    COMMITTED = gauge("memory_committed_bytes", Unit::Bytes, "Memory promised", "promised", "Memory that programs have asked for, used or not.");
    COMMIT_LIMIT = gauge("memory_commit_limit_bytes", Unit::Bytes, "Memory promised", "limit", "What may be promised when overcommitting is off.");
    CORRUPTED = gauge("memory_corrupted_bytes", Unit::Bytes, "Broken memory", "taken out of use", "Memory that the kernel found to be broken and does not use.");
    HUGE_PAGES = gauge("memory_huge_pages", Unit::Count, "Huge pages", "{}", "Huge pages as configured: {} of proc_meminfo(5).").labels(&["part"]);
    PART = gauge("memory_part_bytes", Unit::Bytes, "Memory, other parts", "{}", "{} of proc_meminfo(5).").labels(&["part"]);
    FREE_BLOCKS = gauge("memory_free_blocks", Unit::Count, "Free blocks, {}", "order {1}", "Free blocks of 2^{1} pages in the zone {}.").labels(&["zone", "order"]);
}

static PARTS: Fields = Fields {
    named: &[
        ("Dirty", &DIRTY),
        ("Writeback", &WRITEBACK),
        ("Slab", &SLAB),
        ("SReclaimable", &SLAB_RECLAIMABLE),
        ("SUnreclaim", &SLAB_UNRECLAIMABLE),
        ("KernelStack", &STACKS),
        ("PageTables", &PAGE_TABLES),
        ("AnonPages", &ANONYMOUS),
        ("Mapped", &MAPPED),
        ("Shmem", &SHARED),
        ("Committed_AS", &COMMITTED),
        ("CommitLimit", &COMMIT_LIMIT),
        ("HardwareCorrupted", &CORRUPTED),
    ],
    other: |word| {
        let is = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
        if is(&[
            "Mem",
            "SwapTotal",
            "SwapFree",
            "VmallocTotal",
            "VmallocChunk",
            "NFS_Unstable",
            "Bounce",
            "WritebackTmp",
            "Hugepagesize",
        ]) {
            return None;
        }
        Some(match word {
            _ if is(&["HugePages_"]) => (&HUGE_PAGES, "Huge pages"),
            _ if is(&[
                "AnonHuge",
                "ShmemHuge",
                "ShmemPmd",
                "FileHuge",
                "FilePmd",
                "Hugetlb",
            ]) =>
            {
                (&PART, "Huge pages, bytes")
            }
            _ if is(&["Active", "Inactive", "Unevictable", "Mlocked"]) => (&PART, "Lists of pages"),
            _ if is(&["DirectMap"]) => (&PART, "Pages of the kernel's map"),
            _ if is(&["Zswap", "SwapCached"]) => (&PART, "Swap, parts"),
            _ => (&PART, "Memory, other parts"),
        })
    },
};

/// See the module.
pub struct MemoryParts {
    file: KernelFile,
    buddyinfo: KernelFile,
    buffer: Buffer,
}

impl Default for MemoryParts {
    fn default() -> Self {
        MemoryParts {
            file: KernelFile::new(PATH),
            buddyinfo: KernelFile::new(BUDDYINFO),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for MemoryParts {
    fn name(&self) -> &'static str {
        "memory-parts"
    }

    fn title(&self) -> &'static str {
        "Memory in detail"
    }

    fn source(&self) -> &'static str {
        "`/proc/meminfo` (proc_meminfo(5)); `/proc/buddyinfo` (proc_buddyinfo(5))"
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
        if let Ok(text) = self.buddyinfo.read(&mut self.buffer) {
            blocks(text, reading);
        }
        Ok(())
    }
}

/// What the file of parts says.
pub fn said(text: &[u8], reading: &mut Reading) {
    for (name, number) in lines(text).filter_map(part) {
        reading.field(&PARTS, name, Some(number));
    }
}

/// `Node 0, zone   Normal   28   3791 ...`
pub fn blocks(text: &[u8], reading: &mut Reading) {
    for line in lines(text) {
        let Some((node, rest)) = cut(line, b',') else {
            continue;
        };
        let mut words = Words(rest);
        let (Some(b"zone"), Some(zone)) = (words.next(), words.text()) else {
            continue;
        };
        // The node is told only where there are several.
        let node = Words(node).nth(1).unwrap_or_default();
        let mut name = [0; 32];
        let zone = match node {
            b"0" => zone,
            node => joined(&mut name, zone, node),
        };
        for (order, count) in ORDERS.iter().zip(words) {
            reading.count(&FREE_BLOCKS, &[zone, order], super::kernel::number(count));
        }
    }
}

/// `Normal, node 1`, without making text. Just the zone when that is too long.
fn joined<'a>(place: &'a mut [u8; 32], zone: &'a str, node: &[u8]) -> &'a str {
    let all = zone.bytes().chain(*b", node ").chain(node.iter().copied());
    let length = zone.len() + 7 + node.len();
    if length > place.len() {
        return zone;
    }
    place.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
    std::str::from_utf8(&place[..length]).unwrap_or(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn parts_have_names_charts_and_bytes_and_what_is_summed_up_elsewhere_is_left_out() {
        let text =
            b"MemTotal: 9 kB\nDirty: 2 kB\nHugePages_Total: 3\nNewWord: 1 kB\nActive(anon): 1 kB\nodd\n";
        let reading = between(text, text, said);
        assert_eq!(reading.values(), [2048.0, 3.0, 1024.0, 1024.0]);
        assert_eq!(reading.schema()[2].key(), r#"memory_part_bytes{part="NewWord"}"#);
        assert_eq!(reading.schema()[3].chart, "Lists of pages");
    }

    #[test]
    fn free_blocks_are_told_per_zone_and_node() {
        let text = b"Node 0, zone   Normal  28  37\nNode 1, zone Normal 5\nodd\nNode 2, zone\n";
        let reading = between(text, text, blocks);
        assert_eq!(reading.values(), [28.0, 37.0, 5.0]);
        assert_eq!(reading.schema()[2].label_value("zone"), Some("Normal, node 1"));
    }
}
