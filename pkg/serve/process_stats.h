/* This process as the kernel counts it, for the process_* metrics. */
#ifndef SERVE_PROCESS_STATS_H
#define SERVE_PROCESS_STATS_H

struct process_stats {
    double cpu_seconds;
    double resident_bytes;
    double virtual_bytes;
    double open_fds;
    double max_fds;
    double start_seconds; /* unix time */
};

/* What can't be read is 0. */
void process_stats_read(struct process_stats *ret_stats);

#endif
