"""Random calls of the public functions, compared with one plain layout and with exact sums.

``python -m fuzz --seed 1 --seconds 60`` tries calls until the time is up and tells of every kind of
failure once; ``python -m fuzz --seed 1 --call 1234`` makes one of them again. Call number k of a
seed is the same whenever and wherever it is made.
"""
