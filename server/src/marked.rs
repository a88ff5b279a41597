//! What is marked on charts of a time that is over, on pages and on pictures: what was annotated, and for whoever may see runs when they
//! began and ended. Both are bounded where they are read, and the newest are told.

use crate::{
    actions::{runner::Runner, store::Moment},
    annotations::Annotations,
    live::marks::mark_of,
};
use farol_app::ports::MOST_MOMENTS;
use farol_model::{Fault, Permission, Viewer, action::Mark};

/// All marks of a time, oldest first.
pub async fn over(
    annotations: &Annotations,
    runner: &Runner,
    viewer: &Viewer,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Mark>, Fault> {
    let mut marks = annotations.marks(from_ms, to_ms).await;
    if viewer.may(Permission::ViewRuns) {
        let moments = runner.moments(viewer, from_ms, to_ms, MOST_MOMENTS).await?;
        marks.extend(moments.iter().map(of_run));
        marks.sort_by_key(|mark| mark.at_ms);
    }
    Ok(marks)
}

/// The mark of a moment of a run.
pub fn of_run(moment: &Moment) -> Mark {
    mark_of(&moment.run, moment.at_ms, moment.began)
}
