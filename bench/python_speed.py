#!/usr/bin/env python3
"""What Python adds to the prediction runtime: a call, a large batch, the import.

Usage: bench/python_speed.py HARDY MODEL LINEAR_MODEL [PACKAGE_PARENT]. HARDY is the program, MODEL a
model file, LINEAR_MODEL one of `--method early_linear` over the same modalities: its C++ call takes
a few microseconds, so that its Python call bounds what Python adds. Times are medians.
"""
import statistics
import subprocess
import sys
import tempfile
import threading
import time

hardy_program, model_file, linear_file = sys.argv[1:4]
sys.path[:0] = sys.argv[4:5]

import numpy as np  # noqa: E402

import hardy  # noqa: E402

ROWS = 10_000
TURNS = 10


def median_of(repeats, call):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def import_time():
    code = ("import sys, time; sys.path[:0] = sys.argv[1:]; s = time.process_time(); import hardy; "
            "print(time.process_time() - s)")
    return min(float(subprocess.run([sys.executable, "-c", code, *sys.argv[4:5]], text=True,
                                    capture_output=True, check=True).stdout) for _ in range(5))


def program_time(folder):
    """CPU seconds of `hardy predict` beyond those for two utterances: reading, predicting, writing."""
    import resource

    def once(path):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([hardy_program, "predict", model_file, path, "--json"], check=True,
                       stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once(folder) for _ in range(3))


def main():
    model, linear = hardy.load(model_file), hardy.load(linear_file)
    rng = np.random.default_rng(1)
    x = {m.name: rng.normal(size=(ROWS, m.width)).astype(np.float32) for m in model.modalities}
    one = {m: v[0] for m, v in x.items()}
    linear_us = median_of(5000, lambda: linear.predict(one)) * 1e6
    inner = linear._model.predict
    from hardy.model import _ONE

    binding_us = median_of(5000, lambda: inner(one, _ONE, None, None)) * 1e6
    model_us = median_of(500, lambda: model.predict(one)) * 1e6
    print(f"one utterance: {model_us:.0f} us; of a linear model {linear_us:.1f} us, of which the "
          f"extension module {binding_us:.1f} us")

    dialogues = np.repeat(np.arange(ROWS // TURNS), TURNS)
    start = time.process_time()
    for _ in range(3):
        model.predict(x, dialogue=dialogues)
    batch = (time.process_time() - start) / 3
    corpus = hardy.Corpus.from_arrays(x, labels=rng.integers(0, 2, ROWS), dialogues=dialogues)
    with tempfile.TemporaryDirectory() as folder:
        corpus.save(folder + "/c")
        whole = program_time(folder + "/c")
    print(f"{ROWS} utterances in dialogues of {TURNS}: {batch:.2f} s CPU; the program {whole:.2f} s CPU "
          "with reading and writing")

    for count in (1, 2):
        def work():
            for _ in range(3):
                model.predict(x, dialogue=dialogues)

        threads = [threading.Thread(target=work) for _ in range(count)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{count} threads: {count * 3 * ROWS / (time.perf_counter() - start):.0f} utterances/s")
    print(f"import hardy: {import_time():.3f} s CPU, NumPy included")


main()
