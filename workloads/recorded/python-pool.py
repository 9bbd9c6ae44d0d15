"""Fork pools of 4 over a shared heap: counting references makes reads into writes, and so into copies."""
import multiprocessing
import sys

ROUNDS = 3
heap = [{"key": i, "value": str(i) * 3} for i in range(int(sys.argv[1]))]


def lengths(i):
    return sum(len(entry["value"]) for entry in heap[i::4])


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    for _ in range(ROUNDS):
        with multiprocessing.Pool(4) as pool:
            pool.map(lengths, range(16))
