//! Puts the encoded tracks into an MP4 or QuickTime file: `ftyp`, `moov`, `mdat` in this order, one
//! second of each track at a time, so that a player can start while the file still arrives.

use std::num::{NonZeroU16, NonZeroU32};

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, Brand, DinfBox, EdtsBox, ElstBox, ElstEntry, EsdsBox, FtypBox,
    HdlrBox, MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox, Mp4aBox, MvhdBox, SampleEntry, SmhdBox,
    StblBox, StcoBox, StscBox, StscEntry, StsdBox, StssBox, StszBox, SttsBox, SttsEntry, TkhdBox, TrakBox,
    UnknownBox, VisualSampleEntryFields, VmhdBox,
};
use shiguredo_mp4::descriptors::{
    DecoderConfigDescriptor, DecoderSpecificInfo, EsDescriptor, SlConfigDescriptor,
};
use shiguredo_mp4::{BoxSize, BoxType, Either, Encode, FixedPointNumber, LanguageCode, Mp4FileTime, Uint};

use super::h264::EncodedVideo;
use super::tone::{self, Sound};
use super::{Container, RenderError, SIMULATED, VideoSpec};

/// Units per second of the movie's own clock: fine enough to state both tracks' lengths to the
/// sample.
const MOVIE_RATE: u32 = tone::RATE;
/// Units of the video track's clock per frame.
const FRAME_TICKS: u32 = 1_000;
/// No date: files of equal specs are equal.
const UNDATED: Mp4FileTime = Mp4FileTime::from_secs(0);

/// One track, apart from where its chunks lie in the file.
struct Track<'a> {
    samples: Vec<&'a [u8]>,
    per_chunk: usize,
    rate: u32,
    ticks: u32,
    /// How much of the media, in units of its own clock, a player must leave out at the start.
    skip: u32,
    keys: Option<Vec<NonZeroU32>>,
    entry: SampleEntry,
    /// Picture size; nothing for sound.
    size: Option<(i16, i16)>,
}

pub(super) fn write(
    spec: &VideoSpec,
    video: &EncodedVideo,
    sound: Option<&Sound>,
) -> Result<Vec<u8>, RenderError> {
    let mut tracks = vec![video_track(spec, video)?];
    tracks.extend(sound.map(|sound| audio_track(sound)));
    let ftyp = encode(&ftyp(spec.container))?;
    let offsets = lay_out(&tracks);
    // Offsets are of fixed width, so a first `moov` with the wrong ones already has the right
    // length.
    let moov_len = encode(&moov(spec, &tracks, &offsets, 0)?)?.len();
    let media: usize = tracks.iter().flat_map(|t| &t.samples).map(|s| s.len()).sum();
    let start = ftyp.len() + moov_len + 8;
    let (Ok(mdat_len), Ok(start), Ok(_)) =
        (u32::try_from(media + 8), u32::try_from(start), u32::try_from(media + start))
    else {
        return Err(fault("the file would be over 4 GB"));
    };
    let mut out = ftyp;
    out.reserve_exact(moov_len + media + 8);
    out.extend(encode(&moov(spec, &tracks, &offsets, start)?)?);
    out.extend(mdat_len.to_be_bytes());
    out.extend(b"mdat");
    for_each_chunk(&tracks, |_, chunk| chunk.iter().for_each(|sample| out.extend_from_slice(sample)));
    Ok(out)
}

fn for_each_chunk(tracks: &[Track<'_>], mut visit: impl FnMut(usize, &[&[u8]])) {
    let mut chunks: Vec<_> = tracks.iter().map(|t| t.samples.chunks(t.per_chunk)).collect();
    loop {
        let mut more = false;
        for (track, chunks) in chunks.iter_mut().enumerate() {
            if let Some(chunk) = chunks.next() {
                visit(track, chunk);
                more = true;
            }
        }
        if !more {
            return;
        }
    }
}

/// The chunk offsets of each track, counted from the first media byte.
fn lay_out(tracks: &[Track<'_>]) -> Vec<Vec<usize>> {
    let mut at = 0;
    let mut offsets = vec![Vec::new(); tracks.len()];
    for_each_chunk(tracks, |track, chunk| {
        offsets[track].push(at);
        at += chunk.iter().map(|sample| sample.len()).sum::<usize>();
    });
    offsets
}

fn ftyp(container: Container) -> FtypBox {
    let (major_brand, compatible_brands) = match container {
        Container::Mp4 => (Brand::ISOM, vec![Brand::ISOM, Brand::ISO2, Brand::AVC1, Brand::new(*b"mp41")]),
        Container::Mov => (Brand::new(*b"qt  "), vec![Brand::new(*b"qt  ")]),
    };
    FtypBox { major_brand, minor_version: 0x200, compatible_brands }
}

fn video_track<'a>(spec: &VideoSpec, video: &'a EncodedVideo) -> Result<Track<'a>, RenderError> {
    let &[_, profile, compatibility, level, ..] = video.sps.as_slice() else {
        return Err(fault("the H.264 parameter set is too short"));
    };
    // BT.709 primaries, transfer and matrix. QuickTime's form of the box has no range flag.
    let colour: &[u8] = match spec.container {
        Container::Mp4 => b"nclx\0\x01\0\x01\0\x01\0",
        Container::Mov => b"nclc\0\x01\0\x01\0\x01",
    };
    // `check` bounds both sides by 8688.
    let (width, height) = (spec.width as u16, spec.height as u16);
    let entry = SampleEntry::Avc1(Avc1Box {
        visual: VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width,
            height,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        },
        avcc_box: AvccBox {
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size_minus_one: Uint::new(3),
            sps_list: vec![video.sps.clone()],
            pps_list: vec![video.pps.clone()],
            chroma_format: None,
            bit_depth_luma_minus8: None,
            bit_depth_chroma_minus8: None,
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: vec![UnknownBox {
            box_type: BoxType::Normal(*b"colr"),
            box_size: BoxSize::with_payload_size(BoxType::Normal(*b"colr"), colour.len() as u64),
            payload: colour.to_vec(),
        }],
    });
    let keys = (1..).zip(&video.samples).filter(|(_, s)| s.key).filter_map(|(i, _)| NonZeroU32::new(i));
    Ok(Track {
        samples: video.samples.iter().map(|s| s.data.as_slice()).collect(),
        per_chunk: spec.fps as usize,
        rate: spec.fps * FRAME_TICKS,
        ticks: FRAME_TICKS,
        skip: 0,
        keys: Some(keys.collect()),
        entry,
        size: Some((width as i16, height as i16)),
    })
}

fn audio_track(sound: &Sound) -> Track<'_> {
    let packet = sound.packet.len() as u32;
    let per_second = tone::RATE.div_ceil(tone::PACKET);
    let bitrate = packet * 8 * per_second;
    let entry = SampleEntry::Mp4a(Mp4aBox {
        audio: AudioSampleEntryFields {
            data_reference_index: NonZeroU16::MIN,
            channelcount: 1,
            samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
            samplerate: FixedPointNumber::new(tone::RATE as u16, 0),
        },
        esds_box: EsdsBox {
            es: EsDescriptor {
                es_id: EsDescriptor::MIN_ES_ID,
                stream_priority: EsDescriptor::LOWEST_STREAM_PRIORITY,
                depends_on_es_id: None,
                url_string: None,
                ocr_es_id: None,
                dec_config_descr: DecoderConfigDescriptor {
                    object_type_indication:
                        DecoderConfigDescriptor::OBJECT_TYPE_INDICATION_AUDIO_ISO_IEC_14496_3,
                    stream_type: DecoderConfigDescriptor::STREAM_TYPE_AUDIO,
                    up_stream: DecoderConfigDescriptor::UP_STREAM_FALSE,
                    buffer_size_db: Uint::new(packet),
                    max_bitrate: bitrate,
                    avg_bitrate: bitrate,
                    dec_specific_info: Some(DecoderSpecificInfo { payload: sound.config.clone() }),
                },
                sl_config_descr: SlConfigDescriptor,
            },
        },
        unknown_boxes: Vec::new(),
    });
    Track {
        samples: vec![sound.packet.as_slice(); sound.packets],
        per_chunk: per_second as usize,
        rate: tone::RATE,
        ticks: tone::PACKET,
        skip: tone::PACKET,
        keys: None,
        entry,
        size: None,
    }
}

fn moov(
    spec: &VideoSpec,
    tracks: &[Track<'_>],
    offsets: &[Vec<usize>],
    start: u32,
) -> Result<MoovBox, RenderError> {
    let duration = u64::from(tone::length(spec));
    let trak_boxes = (1..)
        .zip(tracks.iter().zip(offsets))
        .map(|(id, (track, offsets))| trak(id, track, offsets, start, duration))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(MoovBox {
        mvhd_box: MvhdBox {
            creation_time: UNDATED,
            modification_time: UNDATED,
            timescale: nonzero(MOVIE_RATE)?,
            duration,
            rate: MvhdBox::DEFAULT_RATE,
            volume: MvhdBox::DEFAULT_VOLUME,
            matrix: MvhdBox::DEFAULT_MATRIX,
            next_track_id: tracks.len() as u32 + 1,
        },
        trak_boxes,
        mvex_box: None,
        unknown_boxes: vec![comment(&format!("{SIMULATED}; seed {}", spec.seed))],
    })
}

/// A comment as QuickTime writes it, which players of both formats read. Keeps files of different
/// seeds apart.
fn comment(text: &str) -> UnknownBox {
    const UNDETERMINED: u16 = 0x55c4;
    let length = text.len() as u16;
    let mut payload = (u32::from(length) + 12).to_be_bytes().to_vec();
    payload.extend(b"\xa9cmt");
    payload.extend(length.to_be_bytes());
    payload.extend(UNDETERMINED.to_be_bytes());
    payload.extend(text.as_bytes());
    let box_type = BoxType::Normal(*b"udta");
    UnknownBox { box_type, box_size: BoxSize::with_payload_size(box_type, payload.len() as u64), payload }
}

fn trak(
    track_id: u32,
    track: &Track<'_>,
    offsets: &[usize],
    start: u32,
    duration: u64,
) -> Result<TrakBox, RenderError> {
    let (width, height) = track.size.unwrap_or_default();
    let (volume, handler_type, header) = match track.size {
        Some(_) => {
            (TkhdBox::DEFAULT_VIDEO_VOLUME, HdlrBox::HANDLER_TYPE_VIDE, MediaHeader::Vmhd(VmhdBox::default()))
        }
        None => {
            (TkhdBox::DEFAULT_AUDIO_VOLUME, HdlrBox::HANDLER_TYPE_SOUN, MediaHeader::Smhd(SmhdBox::default()))
        }
    };
    Ok(TrakBox {
        tkhd_box: TkhdBox {
            flag_track_enabled: true,
            flag_track_in_movie: true,
            flag_track_in_preview: false,
            flag_track_size_is_aspect_ratio: false,
            creation_time: UNDATED,
            modification_time: UNDATED,
            track_id,
            duration,
            layer: TkhdBox::DEFAULT_LAYER,
            alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
            volume,
            matrix: TkhdBox::DEFAULT_MATRIX,
            width: FixedPointNumber::new(width, 0),
            height: FixedPointNumber::new(height, 0),
        },
        edts_box: Some(EdtsBox {
            elst_box: Some(ElstBox {
                entries: vec![ElstEntry {
                    edit_duration: duration,
                    media_time: track.skip.into(),
                    media_rate: FixedPointNumber::new(1, 0),
                }],
            }),
            unknown_boxes: Vec::new(),
        }),
        mdia_box: MdiaBox {
            mdhd_box: MdhdBox {
                creation_time: UNDATED,
                modification_time: UNDATED,
                timescale: nonzero(track.rate)?,
                duration: track.samples.len() as u64 * u64::from(track.ticks),
                language: LanguageCode::UNDEFINED,
            },
            hdlr_box: HdlrBox { handler_type, name: b"ark-video simulator\0".to_vec() },
            minf_box: MinfBox {
                media_header: Some(header),
                dinf_box: DinfBox::LOCAL_FILE,
                stbl_box: stbl(track, offsets, start)?,
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    })
}

fn stbl(track: &Track<'_>, offsets: &[usize], start: u32) -> Result<StblBox, RenderError> {
    let (count, per_chunk) = (track.samples.len() as u32, track.per_chunk as u32);
    let run = |first: u32, samples| {
        Ok(StscEntry {
            first_chunk: nonzero(first)?,
            sample_per_chunk: samples,
            sample_description_index: NonZeroU32::MIN,
        })
    };
    let (full, rest) = (count / per_chunk, count % per_chunk);
    let mut entries = Vec::new();
    if full > 0 {
        entries.push(run(1, per_chunk)?);
    }
    if rest > 0 {
        entries.push(run(full + 1, rest)?);
    }
    Ok(StblBox {
        stsd_box: StsdBox { entries: vec![track.entry.clone()] },
        stts_box: SttsBox { entries: vec![SttsEntry { sample_count: count, sample_delta: track.ticks }] },
        ctts_box: None,
        cslg_box: None,
        stsc_box: StscBox { entries },
        stsz_box: StszBox::Variable { entry_sizes: track.samples.iter().map(|s| s.len() as u32).collect() },
        stco_or_co64_box: Either::A(StcoBox {
            chunk_offsets: offsets.iter().map(|&at| start + at as u32).collect(),
        }),
        stss_box: track.keys.clone().map(|sample_numbers| StssBox { sample_numbers }),
        sdtp_box: None,
        unknown_boxes: Vec::new(),
    })
}

fn nonzero(value: u32) -> Result<NonZeroU32, RenderError> {
    NonZeroU32::new(value).ok_or_else(|| fault("a clock rate or index is zero"))
}

fn encode(part: &impl Encode) -> Result<Vec<u8>, RenderError> {
    part.encode_to_vec().map_err(|e| fault(e.to_string()))
}

fn fault(detail: impl Into<String>) -> RenderError {
    RenderError::Encoder { part: "file (MP4)", detail: detail.into() }
}
