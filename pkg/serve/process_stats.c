#include "serve/process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The fields of /proc/self/stat from the third on: the second, a name, may hold anything. */
static void read_stat(struct process_stats *stats, double *ret_start_ticks)
{
    char line[1024];
    unsigned long user;
    unsigned long system;
    unsigned long long start;
    unsigned long virtual;
    long resident;
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) {
        return;
    }
    const char *rest = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
    fclose(file);
    if (rest != NULL &&
        sscanf(rest + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu "
               "%lu %ld",
               &user, &system, &start, &virtual, &resident) == 5) {
        double ticks = (double)sysconf(_SC_CLK_TCK);
        stats->cpu_seconds = (double)(user + system) / ticks;
        stats->virtual_bytes = (double)virtual;
        stats->resident_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
        *ret_start_ticks = (double)start / ticks;
    }
}

static double boot_seconds(void)
{
    char line[256];
    unsigned long long seconds = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
           sscanf(line, "btime %llu", &seconds) != 1) {
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)seconds;
}

static double count_fds(void)
{
    double count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count - 1; /* the directory itself */
}

void process_stats_read(struct process_stats *ret_stats)
{
    struct rlimit files;
    double start = 0;
    *ret_stats = (struct process_stats){.open_fds = count_fds()};
    read_stat(ret_stats, &start);
    ret_stats->start_seconds = start > 0 ? boot_seconds() + start : 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        ret_stats->max_fds = (double)files.rlim_cur;
    }
}
