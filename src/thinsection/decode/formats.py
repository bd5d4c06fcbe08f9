"""Names of the formats that are known by their first bytes but not decoded."""

import re

READ = 160  # bytes at the start of a file that tell its format; DICOM's name comes after 128

# first bytes -> name; a dot in a pattern stands for any byte
_BY_START = (
    (rb"II\*\0....CR", "CR2, a camera's raw data"),
    (rb"FUJIFILMCCD-RAW", "RAF, a camera's raw data"),
    (rb"IIR[OS]|MMOR", "ORF, a camera's raw data"),
    (rb"IIU\0", "RW2, a camera's raw data"),
    (rb"II\x1a\0\0\0HEAPCCDR", "CRW, a camera's raw data"),
    (rb"\0MRM", "MRW, a camera's raw data"),
    (rb"FOVb", "X3F, a camera's raw data"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a", "JPEG XL"),
    (rb"\xff\xd8\xff(\xf7|\xe8\0 SPIFF\0.{14}\x06)", "JPEG-LS"),
    (rb"II\xbc[\0\x01]", "JPEG XR"),
    (rb"8BPS", "PSD (Photoshop)"),
    (rb"gimp xcf", "XCF (GIMP)"),
    (rb".{128}DICM", "DICOM"),
    (rb"ZISRAW", "CZI (Zeiss)"),
    (rb"\xda\xce\xbe\x0a", "ND2 (Nikon)"),
    (rb"\x70\0\0\0....\x2a", "LIF (Leica)"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OIB or ZVI (Olympus, Zeiss), or an office document"),
    (rb"\x89HDF\r\n\x1a\n", "HDF5 (Imaris and others)"),
    (rb"SIMPLE  =", "FITS"),
    (rb"\x76\x2f\x31\x01", "OpenEXR"),
    (rb"#\?(RADIANCE|RGBE)\n", "Radiance HDR"),
    (rb"P[1-7]\s+[#\d]|P7\nWIDTH", "PNM (Netpbm)"),
    (rb"DDS \x7c", "DDS"),
    (rb"qoif", "QOI"),
    (rb"BPG\xfb", "BPG"),
    (rb"\0\0\x01\0.\0", "ICO"),
    (rb"%PDF-", "PDF"),
    (rb"RIFF....AVI ", "a film (AVI)"),
    (rb"\x1aE\xdf\xa3", "a film (Matroska or WebM)"),
)
_STARTS = tuple((re.compile(pattern, re.DOTALL), name) for pattern, name in _BY_START)

# brand of an ISO base media file -> name, the most particular first: an AVIF is also a "mif1"
_BRANDS = (
    ((b"crx ",), "CR3, a camera's raw data"),
    ((b"avif", b"avis"), "AVIF"),
    ((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
    ((b"jp2 ", b"jpx ", b"jph "), "JPEG 2000"),
    ((b"jxl ",), "JPEG XL"),
    ((b"qt  ", b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V "), "a film (MP4 or MOV)"),
)


def format_not_decoded(start: bytes) -> str:
    r"""
    The name of a format by the first ``READ`` bytes of a file; empty if it is none of these.

    Examples
    --------
    >>> format_not_decoded(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    'HEIC'
    """
    if start[4:8] == b"ftyp":
        size = int.from_bytes(start[:4], "big")
        brands = [start[8:12]] + [start[i : i + 4] for i in range(16, min(size, len(start)), 4)]
        return next((name for known, name in _BRANDS if set(known) & set(brands)), "")
    return next((name for pattern, name in _STARTS if pattern.match(start)), "")
