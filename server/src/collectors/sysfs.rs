//! Folders of sysfs: what there is, in an order that stays.

use std::path::Path;

/// Names in a folder, sorted. Empty when it is not there.
pub fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Names of the folders in a folder, sorted. The kernel says with each name what it is: nothing else is asked.
pub fn folders(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// A file of one line. None when it is not there or empty.
pub fn line(path: impl AsRef<Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// How often folders are looked into again for what was plugged in, readings.
pub const LOOK_EVERY: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_names_are_sorted() {
        assert!(names("/sys/no/such/folder").is_empty() && folders("/sys/no/such/folder").is_empty());
        let (all, inner) = (names("/proc/self"), folders("/proc/self"));
        assert!(
            inner.contains(&"fd".to_owned())
                && !inner.contains(&"stat".to_owned())
                && inner.len() < all.len()
        );
        let found = names("/sys/class/net");
        assert!(found.is_sorted() && found.contains(&"lo".to_owned()));
        assert_eq!(line("/sys/no/such/file"), None);
        assert!(line("/sys/class/net/lo/mtu").unwrap().parse::<u32>().is_ok());
    }
}
