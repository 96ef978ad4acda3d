#!/usr/bin/env python3
"""Features the usual way: a process for each modality, one item at a time, sound and pictures
written as files in between.

Usage: usual_way.py {audio,text,video} TABLE NETWORKS OUT [--picture-step S]
                    [--full-frames]
Needs Debian's python3-torch, python3-opencv, python3-pil and ffmpeg. TABLE: id, media, text. Writes
OUT/MODALITY/ID.npy, as the published scripts do, and prints CPU seconds as JSON.
"""
import argparse
import csv
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import wave

import numpy
import torch

import networks


def without(prefix, weights):
    return {key[len(prefix):]: value for key, value in weights.items()}


def text_features(rows, folder):
    from byte_pairs import BytePairs
    tokenizer = BytePairs(folder / "deberta")
    network = networks.Deberta()
    network.load_state_dict(without("deberta.", torch.load(folder / "deberta/pytorch_model.bin")))
    network.eval()
    for row in rows:
        states = network(torch.tensor([tokenizer.encode(row["text"])]))
        yield row["id"], torch.stack(states[-4:]).sum(0)[0, 1:-1].mean(0)


def audio_features(rows, folder):
    network = networks.Wav2vec()
    network.load_state_dict(torch.load(folder / "wav2vec.pt")["model"])
    network.eval()
    with tempfile.TemporaryDirectory() as waves:
        for row in rows:
            file = pathlib.Path(waves) / (row["id"] + ".wav")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", row["media"], "-ar", "16000",
                            "-ac", "1", file], check=True, stdin=subprocess.DEVNULL)
            with wave.open(str(file)) as sound:
                data = sound.readframes(sound.getnframes())
            samples = numpy.frombuffer(data, dtype="<i2").astype(numpy.float32) / 32768
            yield row["id"], network(torch.from_numpy(samples)[None])[0].mean(1)


def video_features(rows, folder, step, height):
    import cv2
    from PIL import Image
    cv2.setNumThreads(1)
    detector = cv2.CascadeClassifier(
        "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml")
    network = networks.Manet()
    weights = without("module.", torch.load(folder / "manet.pth")["state_dict"])
    network.load_state_dict(weights, strict=False)  # the counts of batches are not stored
    network.eval()
    with tempfile.TemporaryDirectory() as frames:
        for row in rows:
            place = pathlib.Path(frames) / row["id"]
            place.mkdir()
            subprocess.run(["ffmpeg", "-v", "error", "-i", row["media"], "-vf", f"fps={1 / step}",
                            "-q:v", "2", place / "%05d.jpg"], check=True,
                           stdin=subprocess.DEVNULL)
            vectors = []
            for frame in sorted(place.iterdir()):
                face = save_face(cv2, detector, frame, height)
                if face is None:
                    continue
                picture = Image.open(face).convert("RGB").resize((224, 224), Image.BILINEAR)
                pixels = torch.from_numpy(numpy.array(picture)).permute(2, 0, 1)[None] / 255.0
                vectors.append(network(pixels)[0])
            if vectors:
                yield row["id"], torch.stack(vectors).mean(0)


def save_face(cv2, detector, frame, height):
    """The largest face of a frame as a file; None without one. hardy shrinks frames to a `height`
    of 240 before it looks for faces; 0 = the whole frame."""
    picture = cv2.imread(str(frame))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    shrink = min(1, height / grey.shape[0]) if height > 0 else 1
    small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    least = round(34 / 240 * small.shape[0])
    step, neighbours = (1.3, 2) if height > 0 else (1.1, 3)  # hardy's, OpenCV's own
    boxes = detector.detectMultiScale(small, step, neighbours, 0, (least, least))
    if len(boxes) == 0:
        return None
    x, y, w, h = (round(int(value) / shrink) for value in max(boxes, key=lambda b: b[2] * b[3]))
    file = frame.with_suffix(".face.jpg")
    cv2.imwrite(str(file), picture[y:y + h, x:x + w])
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modality", choices=["audio", "text", "video"])
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("networks", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--picture-step", type=float, default=0.2)
    parser.add_argument("--full-frames", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = list(csv.DictReader(open(options.table, encoding="utf-8")))
    name = {"audio": "acoustic", "text": "textual", "video": "visual"}[options.modality]
    (options.out / name).mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with torch.inference_mode():
        more = []
        if options.modality == "video":
            more = [options.picture_step, 0 if options.full_frames else 240]
        for key, vector in globals()[options.modality + "_features"](rows, options.networks, *more):
            numpy.save(options.out / name / (key + ".npy"), vector.numpy())
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"cpu_s": sum(each.ru_utime + each.ru_stime for each in spent),
                      "wall_s": time.perf_counter() - start,
                      "peak_mib": spent[0].ru_maxrss / 1024}))


if __name__ == "__main__":
    sys.exit(main())
