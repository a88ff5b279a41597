//! The lighthouse. The same drawing as `public/favicon.svg`, in the colours of the theme.

use crate::prelude::*;

#[component]
pub fn Logo() -> AnyView {
    view! {
        <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="7" fill="#10202f"></rect>
            <path d="M18.5 9.2 32 4.5v9.6L18.5 11.4z" fill="#f5c04a"></path>
            <path d="M13.5 10 0 7.2v5.6l13.5-1.6z" fill="#f5c04a" opacity=".45"></path>
            <path d="M12.8 13.5h6.4l1.9 13.5H10.9z" fill="#eef3f8"></path>
            <path d="M12.1 18.2h7.8l.5 3.6h-8.8z" fill="#d8573f"></path>
            <rect x="12.2" y="12" width="7.6" height="1.7" rx=".85" fill="#eef3f8"></rect>
            <rect x="13.7" y="8.2" width="4.6" height="3.8" fill="#f5c04a"></rect>
            <path d="M13 8.2 16 5l3 3.2z" fill="#eef3f8"></path>
            <rect x="8.5" y="26.4" width="15" height="1.8" rx=".9" fill="#eef3f8"></rect>
        </svg>
    }
}
