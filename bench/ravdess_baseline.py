"""RAVDESS speech: logistic regression on MFCC statistics in the folds of `hardy run`.

Usage: bench/ravdess_baseline.py table FOLDER > table.csv
       bench/ravdess_baseline.py mfcc FOLDER
       bench/ravdess_baseline.py features CORPUS

FOLDER holds the clips under their published names, 03-01-EMOTION-..-ACTOR. `table` writes the table
for `hardy run --media FOLDER --labels table.csv`: the group is the actor, so that each fold tests
an actor that was never heard. `mfcc` fits on 23 coefficients x (mean, standard deviation, standard
deviation of the difference between frames) of the louder three fifths of the frames, the best of
seven sets of 69 statistics that were tried; `features` fits on the acoustic features of a corpus
that `hardy extract` wrote. Both leave out one actor at a time, standardise by the other actors, and
choose the penalty by leaving out each of those in turn. Needs numpy, scipy, scikit-learn; ffmpeg
for `mfcc`.
"""

import csv
import pathlib
import subprocess
import sys

import numpy
import scipy.fft
import scipy.signal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EMOTIONS = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
RATE, WINDOW, HOP, TRANSFORM, BANDS, COEFFICIENTS = 16000, 400, 160, 512, 40, 23


def clips_of(folder):
    return sorted(file for file in pathlib.Path(folder).iterdir() if file.stem.startswith("03-01-"))


def facts_of(file):
    parts = file.stem.split("-")
    return EMOTIONS[int(parts[2]) - 1], parts[6]


def mel_filters():
    def to_mel(hertz):
        return 2595 * numpy.log10(1 + hertz / 700)

    mel = numpy.linspace(0, to_mel(RATE / 2), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = numpy.arange(TRANSFORM // 2 + 1) * RATE / TRANSFORM
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return numpy.maximum(0, numpy.minimum(rising, falling))


def mfcc_statistics(file, filters):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", file, "-ar", str(RATE), "-ac", "1", "-f", "s16le", "-"]
    sound = numpy.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<i2")
    frames = numpy.lib.stride_tricks.sliding_window_view(sound / 32768, WINDOW)[::HOP]
    windowed = frames * scipy.signal.get_window("hamming", WINDOW)
    power = numpy.abs(scipy.fft.rfft(windowed, TRANSFORM)) ** 2
    cepstrum = scipy.fft.dct(numpy.log(power @ filters.T + 1e-6), norm="ortho")[:, :COEFFICIENTS]
    cepstrum = cepstrum[cepstrum[:, 0] > numpy.percentile(cepstrum[:, 0], 40)]
    change = numpy.diff(cepstrum, axis=0)
    return numpy.concatenate([cepstrum.mean(0), cepstrum.std(0), change.std(0)])


def read_mfcc(folder):
    filters = mel_filters()
    files = clips_of(folder)
    labels, actors = zip(*map(facts_of, files))
    return numpy.stack([mfcc_statistics(file, filters) for file in files]), labels, actors


def read_features(corpus):
    folder = pathlib.Path(corpus)
    with open(folder / "utterances.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return numpy.load(folder / "acoustic.npy"), [row["label"] for row in rows], [row["group"] for row in rows]


def evaluate(values, labels, actors):
    labels, actors = numpy.array(labels), numpy.array(actors)
    predicted = labels.copy()
    for train, test in LeaveOneGroupOut().split(values, labels, actors):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        grid = {"logisticregression__C": [0.003, 0.01, 0.03, 0.1, 0.3]}
        search = GridSearchCV(model, grid, cv=LeaveOneGroupOut(), n_jobs=1)
        search.fit(values[train], labels[train], groups=actors[train])
        predicted[test] = search.predict(values[test])
    print(f"{values.shape[1]} features, {len(labels)} clips, {len(set(actors))} actors")
    print(f"WA {100 * accuracy_score(labels, predicted):.1f}")
    print(f"UA {100 * recall_score(labels, predicted, average='macro'):.1f}")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("table", "mfcc", "features"):
        sys.exit(__doc__)
    if sys.argv[1] != "table":
        return evaluate(*(read_mfcc if sys.argv[1] == "mfcc" else read_features)(sys.argv[2]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["media", "id", "speaker", "dialogue", "group", "label"])
    for file in clips_of(sys.argv[2]):
        emotion, actor = facts_of(file)
        writer.writerow([file.name, file.stem, actor, file.stem, actor, emotion])


main()
