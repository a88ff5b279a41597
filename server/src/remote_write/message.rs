//! `prometheus.WriteRequest` of remote write 1.0, and its bytes: Protobuf, packed as one Snappy block
//! (prometheus.io/docs/specs/prw/remote_write_spec).

use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

/// A sample that says: this series has ended (the specification, section "Stale Markers"). A NaN of these bits.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);
/// Number of the field `WriteRequest.timeseries`.
const TIMESERIES: u32 = 1;

/// What is sent.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// Samples of one series, in the order of their times.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// The bytes of a series without samples: its labels. Made once, because they are the longer part of each request.
pub fn labels(labels: Vec<Label>) -> Box<[u8]> {
    let series = TimeSeries {
        labels,
        samples: Vec::new(),
    };
    series.encode_to_vec().into()
}

/// Appends a series to a request: fields of one message may follow each other in pieces.
pub fn put_series(request: &mut Vec<u8>, labels: &[u8], samples: &[Sample], scratch: &mut Vec<u8>) {
    scratch.clear();
    for sample in samples {
        encode_key(2, WireType::LengthDelimited, scratch);
        encode_varint(sample.encoded_len() as u64, scratch);
        // A Vec takes all that it is given.
        let _ = sample.encode(scratch);
    }
    encode_key(TIMESERIES, WireType::LengthDelimited, request);
    encode_varint((labels.len() + scratch.len()) as u64, request);
    request.extend_from_slice(labels);
    request.extend_from_slice(scratch);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_pieces_is_the_same_as_one_made_whole() {
        let of = |name: &str| {
            vec![Label {
                name: "__name__".into(),
                value: name.into(),
            }]
        };
        let samples = [(1.5, 1_790_000_000_000), (-0.0, 1_790_000_001_000), (0.0, -7)];
        let samples = samples.map(|(value, timestamp)| Sample { value, timestamp });
        let whole = WriteRequest {
            timeseries: ["a", "b"]
                .map(|name| TimeSeries {
                    labels: of(name),
                    samples: samples.to_vec(),
                })
                .into(),
        };
        let (mut pieces, mut scratch) = (Vec::new(), Vec::new());
        for name in ["a", "b"] {
            put_series(&mut pieces, &labels(of(name)), &samples, &mut scratch);
        }
        assert_eq!(pieces, whole.encode_to_vec());
        assert_eq!(WriteRequest::decode(&*pieces).unwrap(), whole);
    }

    #[test]
    fn a_stale_marker_keeps_its_bits() {
        let (mut request, mut scratch) = (Vec::new(), Vec::new());
        let ended = Sample {
            value: STALE,
            timestamp: 1,
        };
        put_series(&mut request, &[], &[ended], &mut scratch);
        let read = WriteRequest::decode(&*request).unwrap();
        assert_eq!(
            read.timeseries[0].samples[0].value.to_bits(),
            0x7ff0_0000_0000_0002
        );
    }
}
