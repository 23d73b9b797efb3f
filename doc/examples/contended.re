4 threads, [0-9.]+ s: [0-9]+ sections, last state [0-9]+
