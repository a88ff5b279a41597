//! The colours of `style/tokens.css` as every viewer of SVG reads them.

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

farol_model::words!(Theme {
    Light = "light",
    Dark = "dark",
});

/// Colours of one theme.
#[derive(Debug)]
pub struct Colours {
    pub surface: &'static str,
    pub line: &'static str,
    pub ink: &'static str,
    pub muted: &'static str,
    pub ok: &'static str,
    pub crit: &'static str,
    pub series: [&'static str; super::COLOURS],
}

const LIGHT: Colours = Colours {
    surface: "#ffffff",
    line: "#d5dde3",
    ink: "#111d28",
    muted: "#556371",
    ok: "#0e7141",
    crit: "#b82222",
    series: [
        "#076fb8", "#d37512", "#007255", "#c7408b", "#483e90", "#009aa8", "#777408", "#af3029",
    ],
};

const DARK: Colours = Colours {
    surface: "#0f1a23",
    line: "#24313d",
    ink: "#ebf0f5",
    muted: "#97a3ad",
    ok: "#5ad797",
    crit: "#ff827a",
    series: [
        "#58b5f2", "#f7c350", "#53d4b1", "#e76ead", "#8e80e3", "#9be6ef", "#afb444", "#e76250",
    ],
};

impl Theme {
    pub(super) fn colours(self) -> &'static Colours {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: &str = include_str!("../../../../style/tokens.css");

    /// CSS Color 4, section 10.2 and the sample code of its section 18.
    fn hex(oklch: &str) -> String {
        let part: Vec<f64> = oklch.split(' ').map(|part| part.parse().unwrap()).collect();
        let (lightness, a, b) = (
            part[0],
            part[1] * part[2].to_radians().cos(),
            part[1] * part[2].to_radians().sin(),
        );
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
        let linear = [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
        ];
        let channel = |value: f64| {
            let encoded = if value > 0.003_130_8 {
                1.055 * value.powf(1.0 / 2.4) - 0.055
            } else {
                12.92 * value
            };
            (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let [red, green, blue] = linear.map(channel);
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    fn token(name: &str) -> [String; 2] {
        let start = format!("  --{name}: light-dark(oklch(");
        let rest = TOKENS.split_once(&start).unwrap_or_else(|| panic!("no {name}")).1;
        let (light, rest) = rest.split_once("), oklch(").unwrap();
        let (dark, _) = rest.split_once("))").unwrap();
        [hex(light), hex(dark)]
    }

    #[test]
    fn every_colour_is_that_of_the_style() {
        let both = |read: fn(&Colours) -> &'static str| [read(&LIGHT).to_owned(), read(&DARK).to_owned()];
        assert_eq!(both(|c| c.surface), token("surface-1"));
        assert_eq!(both(|c| c.line), token("line"));
        assert_eq!(both(|c| c.ink), token("ink-1"));
        assert_eq!(both(|c| c.muted), token("ink-3"));
        assert_eq!(both(|c| c.ok), token("ok"));
        assert_eq!(both(|c| c.crit), token("crit"));
        for slot in 0..super::super::COLOURS {
            let expected = token(&format!("series-{}", slot + 1));
            assert_eq!(
                [LIGHT.series[slot], DARK.series[slot]],
                [expected[0].as_str(), expected[1].as_str()]
            );
        }
    }
}
