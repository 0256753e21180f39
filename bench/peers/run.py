"""Verify the peer programs against each other and against the definition, then time them in turns.

    python bench/peers/run.py --markdown
    python bench/peers/run.py --json --ours "build/bench/bench_step --json"
"""
import argparse
import json
import multiprocessing
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from functools import partial

TOLERANCE = 1e-10
CHECK_EXAMPLES, CHECK_STEPS = 6, 10


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--patches", type=int, default=3)
    parser.add_argument("--dimension", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0, help="timed seconds a program, all rounds together")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", default="", help="time only programs whose name holds this text")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out (no C++ compiler)")
    parser.add_argument("--data", help=".npz with patches [n,P,d], labels [n], W0 [2,d] instead of a drawn world")
    parser.add_argument("--gradient-out", help=".npy for the gradient at W0, [2,d]")
    parser.add_argument("--ours", help="command run once a round; prints JSON {name, ms_median, ms_min, steps} or a list")
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--markdown", action="store_true", help="results as a Markdown table on standard output")
    return parser.parse_args()


def note(text):
    print(text, file=sys.stderr, flush=True)


def distance(x, reference):
    """Largest difference, relative to the largest value."""
    return float(abs(x - reference).max() / abs(reference).max())


def load_world(options):
    import common

    if options.data:
        return common.read_world(options.data)
    return common.draw_world(options.examples, options.patches, options.dimension, options.seed)


def small_world(patches, seed):
    import common

    wide = common.Settings(initial_scale=0.3)  # pre-activations on all three pieces of the activation
    return common.draw_world(CHECK_EXAMPLES, patches, 40, seed + 1, wide)


def serve(connection, library, options):
    """A process per library: two thread pools in one process would spin against each other on the same cores."""
    world = load_world(options)
    small = small_world(world.patches.shape[1], options.seed)
    if library == "numpy":
        import numpy as module
        from numpy_step import variants
    else:
        import torch as module
        from torch_step import variants
        variants = partial(variants, compile_too=not options.no_compile)
    wanted = [name for name, _ in variants(world, options.threads) if options.only in name]
    connection.send((wanted, module.__version__))
    programs = {}
    for (name, make), (_, make_small) in zip(variants(world, options.threads), variants(small, options.threads)):
        if name in wanted:
            programs[name] = make()
            connection.send(trace(programs[name], make_small()))
    if library == "torch":
        module.compiler.set_stance("fail_on_recompile")  # nothing compiles while the clock runs
    while True:
        connection.send(time_round(programs[connection.recv()], options.seconds / options.rounds))


def trace(program, small):
    """What is verified: the small gradient; the first gradient, the last and the filters of a few steps."""
    small.step()
    program.step()
    first = program.gradient.copy()
    for _ in range(CHECK_STEPS - 1):
        program.step()
    return small.gradient.copy(), first, program.gradient.copy(), program.filters.copy()


class Library:
    """The programs of one library, in a process of their own that sleeps unless asked."""

    def __init__(self, library, options):
        context = multiprocessing.get_context("spawn")
        self.connection, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, library, options), daemon=True)
        self.process.start()
        far.close()
        self.names, self.version = self.connection.recv()

    def traces(self):
        return [(name, self.connection.recv()) for name in self.names]

    def time_round(self, name):
        self.connection.send(name)
        return self.connection.recv()

    def close(self):
        self.process.terminate()
        self.process.join()


def verify(libraries, brute):
    """Every program against the definition on a small world, and against the first program on the full one."""
    reference = None
    for library in libraries:
        for name, (small, *full) in library.traces():
            check(name, "the definition", distance(small, brute))
            reference = reference or full
            check(name, "the first program", max(distance(x, r) for x, r in zip(full, reference)))
    return reference[0]


def check(name, other, difference):
    if not difference <= TOLERANCE:
        sys.exit(f"{name} differs from {other} by {difference:.2e} (allowed: {TOLERANCE:.0e})")


def time_round(program, seconds):
    """Milliseconds of each step, after a few untimed ones that wake the threads and fill the caches."""
    program.reset()
    for _ in range(5):
        program.step()
    clock, times = time.perf_counter, []
    end = clock() + seconds
    while clock() < end:
        start = clock()
        program.step()
        times.append((clock() - start) * 1e3)
    return times


def run_ours(command):
    answer = subprocess.run(shlex.split(command), check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(answer)
    return found if isinstance(found, list) else [found]


def time_all(libraries, options):
    """Rounds in turn: every program, then ours; the order is reversed every other round."""
    programs = [(name, library) for library in libraries for name in library.names]
    times = {name: [] for name, _ in programs}
    ours = {}
    for number in range(options.rounds):
        for name, library in programs[:: -1 if number % 2 else 1]:
            times[name].append(library.time_round(name))
        for entry in run_ours(options.ours) if options.ours else []:
            ours.setdefault(entry["name"], []).append(entry)
        note(f"round {number + 1} of {options.rounds}")
    peers = [{
        "name": name, "version": library.version, "threads": options.threads,
        "ms_median": statistics.median(t for r in times[name] for t in r), "ms_min": min(map(min, times[name])),
        "steps": sum(map(len, times[name])), "round_medians": [statistics.median(r) for r in times[name]],
    } for name, library in programs]
    return sorted(peers, key=lambda p: p["ms_median"]), [merge(name, seen, options) for name, seen in ours.items()]


def merge(name, seen, options):
    medians = [e["ms_median"] for e in seen]
    return {"name": name, "version": seen[0].get("version", ""), "threads": seen[0].get("threads", options.threads),
            "ms_median": statistics.median(medians), "ms_min": min(e["ms_min"] for e in seen),
            "steps": sum(e.get("steps", 0) for e in seen), "round_medians": medians}


def add_ratios(peers, ours):
    """How many times faster than the best peer: by medians, by minima, by each side's best round (which a busy
    machine spoils least), and the lowest and highest ratio of a round."""
    best = peers[0]
    for entry in ours:
        by_round = [b / o for b, o in zip(best["round_medians"], entry["round_medians"])]
        entry.update(best_peer=best["name"], times_faster=best["ms_median"] / entry["ms_median"],
                     times_faster_min=min(p["ms_min"] for p in peers) / entry["ms_min"],
                     times_faster_best_round=(min(min(p["round_medians"]) for p in peers)
                                              / min(entry["round_medians"])),
                     times_faster_rounds=[min(by_round), max(by_round)])


def print_markdown(entries):
    best = min((e for e in entries if "times_faster" not in e), key=lambda e: e["ms_median"])
    print("| Program | Version | Threads | Median, ms | Best round's median, ms | Min, ms | Steps | Best peer's median / median |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for e in entries:
        print(f"| {e['name']} | {e['version']} | {e['threads']} | {e['ms_median']:.3f} "
              f"| {min(e['round_medians']):.3f} | {e['ms_min']:.3f} "
              f"| {e['steps']} | {best['ms_median'] / e['ms_median']:.2f} |")


def print_text(entries):
    for e in entries:
        print(f"{e['name']:50s} median {e['ms_median']:8.3f} ms   min {e['ms_min']:8.3f} ms   {e['steps']} steps")


def verify_and_time(libraries, brute, shape, options):
    import numpy as np

    count = sum(len(library.names) for library in libraries)
    if not count:
        sys.exit(f"--only: no program's name holds '{options.only}'")
    note(f"{count} programs on patches {shape}: compiling, verifying")
    gradient = verify(libraries, brute)
    note(f"all agree within {TOLERANCE:.0e}")
    if options.gradient_out:
        np.save(options.gradient_out, gradient)
    return time_all(libraries, options)


def main():
    options = parse_arguments()
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)  # read once, when the libraries load
    import common

    world = load_world(options)
    brute = common.brute_force_gradient(small_world(world.patches.shape[1], options.seed))
    libraries = [Library(name, options) for name in ("numpy", "torch")]
    try:
        peers, ours = verify_and_time(libraries, brute, world.patches.shape, options)
    finally:
        for library in libraries:
            library.close()
    add_ratios(peers, ours)
    if options.json:
        print(json.dumps(ours + peers, indent=1))
    if options.markdown:
        print(f"{platform.machine()}, n={world.patches.shape[0]}, P={world.patches.shape[1]}, "
              f"d={world.patches.shape[2]}, float64, {options.threads} threads\n")
        print_markdown(ours + peers)
    if not options.json and not options.markdown:
        print_text(ours + peers)
    for e in ours:
        note(f"{e['name']}: {e['times_faster']:.2f} times as fast as {e['best_peer']} by medians "
             f"(rounds {e['times_faster_rounds'][0]:.2f} to {e['times_faster_rounds'][1]:.2f}), "
             f"{e['times_faster_best_round']:.2f} by best rounds, {e['times_faster_min']:.2f} by minima")


if __name__ == "__main__":
    main()
