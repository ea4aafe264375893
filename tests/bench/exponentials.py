"""The obvious vectorised answer: one exponential a page, the time of its first write, compared with now.

Arguments: pages, mean writes a page. Prints the median of the CPU seconds that one step took; building the rates and importing
numpy is not counted. Exits with 3 where there is no numpy.
"""

import statistics
import sys
import time

try:
    import numpy
except ImportError:
    sys.exit(3)

pages, writes_per_page = int(sys.argv[1]), float(sys.argv[2])
rng = numpy.random.default_rng(1)
# Pages are not written alike: on each lie keys of different heat.
rates = rng.gamma(4.0, 0.25, pages)
steps = []
for _ in range(7):
    started = time.process_time()
    numpy.count_nonzero(rng.standard_exponential(pages) < rates * writes_per_page)
    steps.append(time.process_time() - started)
print(statistics.median(steps))
