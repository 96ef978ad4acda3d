"""Writes the first inputs of every fuzzer: python3 fuzz/make_seeds.py (needs numpy)."""

import hashlib
import io
import json
import pathlib
import struct

import numpy

here = pathlib.Path(__file__).parent
fixtures = here.parent / "tests/fixtures"


def put(target, name, data):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


for file in sorted((fixtures / "pickle").glob("*.pkl")):
    put("pickle", "seed_" + file.stem, file.read_bytes())
hostile = {
    "system": b"cos\nsystem\n(S'true'\ntR.",
    "eval": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "self_list": b"]q\0h\0a.",
    "cycle": b"]q\0]q\1h\0a0h\0h\1a.",
    "deep": b"]" * 300 + b"a" * 299 + b".",
    "huge_text": b"X\xff\xff\xff\xff.",
    "bomb": b"]q\0" + b"".join(b"0]q%ch%cah%ca" % (i, i - 1, i - 1) for i in range(1, 30)) + b".",
    "storage": b"\x80\x02((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" b"0X\3\0\0\0cpuK\2tQt.",
}
for name, data in hostile.items():
    put("pickle", "seed_" + name, data)


def npy(array, version=None):
    stream = io.BytesIO()
    numpy.lib.format.write_array(stream, array, version)
    return stream.getvalue()


cube = numpy.arange(6)
for name, array in {
    "f4": cube.astype("f4"),
    "f8": cube.reshape(2, 3).astype("f8"),
    "f2": cube.astype("f2"),
    "i2_big": cube.astype(">i2"),
    "u1": cube.astype("u1"),
    "bool": cube > 2,
    "fortran": numpy.asfortranarray(cube.reshape(2, 3).astype("f4")),
    "axes": cube.reshape(1, 2, 1, 3).astype("i8"),
    "empty": numpy.zeros((0, 4), "f4"),
    "scalar": numpy.float32(1),
    "text": numpy.array(["a", "b"]),
}.items():
    put("npy", "seed_" + name, npy(numpy.asanyarray(array)))
put("npy", "seed_format2", npy(cube.astype("f4"), (2, 0)))
put("npy", "seed_huge", b"\x93NUMPY\x01\0\x4a\0{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }")


def tensor_file(arrays, texts):
    kinds = {"float32": "F32", "int64": "I64", "uint8": "U8"}
    digest = hashlib.sha256()

    def add(text):
        digest.update(struct.pack("<Q", len(text)) + text.encode())

    for name in sorted(arrays):
        array = arrays[name]
        add(name)
        add(kinds[array.dtype.name])
        digest.update(struct.pack("<Q", array.ndim) + struct.pack(f"<{array.ndim}q", *array.shape))
        digest.update(array.tobytes())
    for name in sorted(texts):
        add(name)
        add(texts[name])
    header = {"__metadata__": dict(texts, **{"hardy.checksum": digest.hexdigest()})}
    data = b""
    for name in sorted(arrays, key=lambda n: (-arrays[n].itemsize, n)):
        array = arrays[name]
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + data


one = {"w": numpy.arange(6, dtype="f4").reshape(2, 3)}
many = dict(one, n=numpy.array([1, -2], dtype="i8"), m=numpy.array([1, 0, 1], dtype="u1"),
            e=numpy.zeros((0, 3), dtype="f4"), s=numpy.array(1.5, dtype="f4"))
put("tensor_file", "seed_one", tensor_file(one, {}))
put("tensor_file", "seed_many", tensor_file(many, {"config": "alpha = 0.5\n"}))
put("tensor_file", "seed_none", tensor_file({}, {}))
put("tensor_file", "seed_wrong_checksum", tensor_file(one, {}).replace(b"\x40\x40", b"\x41\x40"))
put("tensor_file", "seed_gap", struct.pack("<Q", 56) + b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}   ' + b"1234")
put("tensor_file", "seed_nested", struct.pack("<Q", 205) + b'{"a":' + b"[" * 200)
put("tensor_file", "seed_huge", b"\xff" * 8 + b"{}")

corpora = fixtures / "corpora"
for name in ("mmsa/unaligned_4", "sims", "multibench", "conv_iemocap", "conv_meld"):
    data = (corpora / (name + ".pkl")).read_bytes()
    put("corpus_pickle", "seed_" + name.split("/")[-1], data)
put("corpus_pickle", "seed_truncated", data[: len(data) // 2])

merged = (corpora / "merged.hdf5").read_bytes()
put("hdf5", "seed_merged", merged)
for at in (8, 96, 800, 2048, 8192):
    put("hdf5", f"seed_damaged_{at}", merged[:at] + b"\xff\xff\xff" + merged[at + 3:])
put("hdf5", "seed_truncated", merged[: len(merged) // 3])
put("hdf5", "seed_signature", merged[:8])

for name in ("Labels", "COVAREP", "TimestampedWords", "VisualFacet42"):
    sequence = (corpora / f"csd/CMU_MOSEI_{name}.csd").read_bytes()
    put("csd", "seed_" + name.lower(), sequence)
for at in (96, 800, 2048, 8192):
    put("csd", f"seed_damaged_{at}", sequence[:at] + b"\xff\xff\xff" + sequence[at + 3:])
put("csd", "seed_truncated", sequence[: len(sequence) // 3])

label = (corpora / "merbench/label.npz").read_bytes()
put("npz", "seed_merbench", label)
put("npz", "seed_truncated", label[: len(label) // 2])
for name, arrays in {
    "texts": {"a": numpy.array([b"x", b"yz"]), "b": numpy.array([["u", "v"]])},
    "objects": {"a": numpy.array({"k": [1, 2.5, None]}, dtype=object)},
    "numbers": {"a": cube},
    "empty": {"a": numpy.zeros((3, 0), "S1")},
}.items():
    stream = io.BytesIO()
    numpy.savez(stream, **arrays)
    put("npz", "seed_" + name, stream.getvalue())

put("label_csv", "seed_meld", (corpora / "meld/train_sent_emo.csv").read_bytes())
for name, text in {
    "emorynlp": "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode\nHi,\"['Ann', 'Bob']\",Joyful,1,1,1,1\n",
    "clips": "video_id,clip_id,text,label,annotation,mode\nv,1,well,-0.4,Negative,train\n",
    "dialogues": "id,dialogue,label:joy,label:fear\na,d,1,0\nb,d,0,\n",
    "shares": "name,share:sad,share:glad\na,.25,.75\nb,0,0\n",
    "no_rows": "id,label\n",
    "semicolons": "id;label\na;1,5\n",
    "quotes": 'id,label\n"a,""b",x\n"open,x\n',
}.items():
    put("label_csv", "seed_" + name, text.encode())
put("label_json", "seed_parts", (corpora / "json/labels.json").read_bytes())
for name, text in {
    "list": '[{"id": "a", "label": 1}, {"id": "b", "label": 0.5}]',
    "dict": '{"a": "sad", "b": "glad"}',
    "meld": '[{"Dialogue_ID": 0, "Utterance_ID": 1, "Emotion": "joy", "split": "dev"}]',
    "clips": '[{"video_id": "v", "clip_id": "0001", "label": -0.4, "mode": "train"}]',
    "nested": '{"a": ' + "[" * 300,
    "number": "3",
}.items():
    put("label_json", "seed_" + name, text.encode())

table = "id,dialogue,position,speaker,group,split,label,transcript,present:a\n"
rows = table + 'u1,d1,0,ann,g,train,sad,"a, ""b""\nc",1\nu2,d1,1,bob,g,train,glad,,0\nu3,d2,0,ann,g,test,sad,x,\n'
put("plain_csv", "seed_full", rows.encode())
put("plain_csv", "seed_crlf", b"\xef\xbb\xbf" + rows.replace("\n", "\r\n").encode())
put("plain_csv", "seed_values", b"id,label,difficulty,value\na,1.5,0.1,2\nb,-2e3,1,-1\n")
put("plain_csv", "seed_counts", b"id,label\na,3\nb,12\nc,3\n")
put("plain_csv", "seed_settings", b'name = "x"\ntask = "class"\nclass_names = ["p", "q"]\nmodalities = ["a"]\nsynthetic = true\n\0id,label\na,p\nb,1\n')
put("plain_csv", "seed_bad", b'id,label\na,"x\n')
put("plain_csv", "seed_twice", b"id,id\n1,2\n")

for name in ("mixed", "nested", "deflated", "legacy"):
    put("torch_checkpoint", "seed_" + name, (fixtures / f"torch/{name}.pth").read_bytes())
mixed = (fixtures / "torch/mixed.pth").read_bytes()
put("torch_checkpoint", "seed_truncated", mixed[: len(mixed) // 2])
put("torch_checkpoint", "seed_damaged", mixed[:900] + b"\xff" + mixed[901:])

put("config", "seed_empty", b"")
put("config", "seed_quick", b'preset = "quick"\n')
put("config", "seed_some", b'preset = "published"\n[hardness]\nalpha1 = 0.5\nalpha2 = 0.5\n[run]\nseeds = [1, 2, 3]\n')
put("config", "seed_unknown", b"[hardness]\nalpha3 = 1\n")
put("config", "seed_wrong_type", b'[retrieval]\nk = "five"\n')
put("config", "seed_nested", b"a = " + b"[" * 500)
put("config", "seed_dotted", b"hardness.encoder.hidden = 64\ndata.path = 'x'\n")

old_run = {name: (fixtures / f"run_folder_v1/{name}.json").read_bytes() for name in ("manifest", "results")}
for name, data in old_run.items():
    put("run_folder", "seed_" + name, data)
    put("run_folder", f"seed_{name}_truncated", data[: len(data) // 2])
    put("run_folder", f"seed_{name}_version", data.replace(b'"format": 1', b'"format": 99'))
put("run_folder", "seed_list", b"[]")
put("run_folder", "seed_nested", b'{"results":' + b"[" * 500)


def form(*parts, boundary="XX", end="--", kind="multipart/form-data; boundary={}"):
    body = b""
    for head, contents in parts:
        body += f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        body += contents + b"\r\n"
    return kind.format(boundary).encode() + b"\n" + body + f"--{boundary}{end}\r\n".encode()


sound = ('name="recording"; filename="clip.wav"', b"RIFF\0\0")
for name, data in {
    "recording": form(sound),
    "all": form(
        sound,
        ('name="transcript"; filename="C:\\\\x\\\\a.srt"', b"1\n00:00:00,000 --> 00:00:01,000\nhi\n"),
        ('name="options"', b'{"available": ["acoustic"], "cut": "whole", "tier": "t", "features": true}'),
    ),
    "quoted": form(('name="recording"; filename="a \\"b\\" %22.mp4"', b"x"), boundary="a_b'c",
                   kind='multipart/form-data; charset=utf-8; boundary="{}"'),
    "cut_off": form(sound, end=""),
    "twice": form(sound, sound),
    "bad_options": form(sound, ('name="options"', b'{"cut": "auto", "cut": 1}')),
    "no_type": b"application/json\n{}",
}.items():
    put("multipart", "seed_" + name, data)


def cbor(value):
    """The subset of CBOR that the messages between service and extractor use."""

    def head(kind, count):
        return struct.pack(">BI", kind << 5 | 26, count)

    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(part) for item in value.items() for part in item)


question = {
    "name": b"clip.mp4", "transcript_name": b"clip.srt", "transcript": b"hi", "tier": b"", "cut": "auto",
    "wanted": [True, False, True], "max_utterances": 512, "max_recording_s": 600.0,
}
utterance = {
    "id": b"clip_001", "start": 0.5, "end": 2.5, "speaker": b"", "text": b"caf\xe9", "dialogue": b"",
    "seconds": 2.0, "pictures": 5, "faces": 4,
    "modalities": [
        {"values": struct.pack("<2f", 1, 2), "reason": b""},
        {"values": b"", "reason": b"it has no transcript"},
        {"values": struct.pack("<3f", 1, 2, 3), "reason": b""},
    ],
}
answer = {"field": "", "reason": b"", "is_too_large": False, "segments": [utterance], "notes": [b"a note"]}
makers = [{"name": name, "width": width} for name, width in (("a", 2), ("t", 1), ("v", 3))]
for name, data in {
    "question": b"\0" + cbor(question),
    "answer": b"\1" + cbor(answer),
    "refusal": b"\1" + cbor({**answer, "field": "recording", "reason": b"no", "segments": []}),
    "open_end": b"\1" + cbor({**answer, "segments": [{k: v for k, v in utterance.items() if k != "end"}]}),
    "not_finite": b"\1" + cbor({**answer, "segments": [{**utterance, "start": float("nan")}]}),
    "makers": b"\2" + cbor(makers),
    "nested": b"\1" + b"\x81" * 300,
}.items():
    put("recording_exchange", "seed_" + name, data)
