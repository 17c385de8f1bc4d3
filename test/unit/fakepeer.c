#include "unit/fakepeer.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/unit.h"

/* Tests are processes forked from the one that started the peer. */
static struct {
    pid_t pid;
    int commands;
    int answers;
} peer;

/* No test is running yet, so check's assertions can't be used. */
static void must(bool good)
{
    if (!good) {
        perror("cannot start the scripted servers");
        exit(EXIT_FAILURE);
    }
}

void fakepeer_start(const char *module)
{
    char *const argv[] = {(char[]){"/usr/bin/python3"}, (char[]){"-m"}, strdup(module), NULL};
    int commands[2];
    int answers[2];
    posix_spawn_file_actions_t actions;
    must(pipe2(commands, O_CLOEXEC) == 0);
    must(pipe2(answers, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, commands[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
    setenv("PYTHONPATH", "test", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    must(posix_spawn(&peer.pid, argv[0], &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    free(argv[2]);
    close(commands[0]);
    close(answers[1]);
    peer.commands = commands[1];
    peer.answers = answers[0];
}

void fakepeer_stop(void)
{
    close(peer.commands);
    close(peer.answers);
    waitpid(peer.pid, NULL, 0);
}

static char *ask(const char *format, va_list args)
{
    char line[256];
    char answer[8192];
    size_t len = 0;
    int written = vsnprintf(line, sizeof(line) - 1, format, args);
    ck_assert_int_lt(written, (int)sizeof(line) - 1);
    line[written] = '\n';
    ck_assert_int_eq(write(peer.commands, line, (size_t)written + 1), written + 1);
    do {
        ck_assert_uint_lt(len, sizeof(answer) - 1);
        ck_assert_msg(read(peer.answers, answer + len, 1) == 1, "the peer has ended");
    } while (answer[len++] != '\n');
    answer[len - 1] = '\0';
    ck_assert_msg(strncmp(answer, "error", 5) != 0, "%.*s: %s", written, line, answer);
    return strdup(answer);
}

char *fakepeer_ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *answer = ask(format, args);
    va_end(args);
    return answer;
}

int fakepeer_number(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *answer = ask(format, args);
    va_end(args);
    int number = (int)strtol(answer, NULL, 10);
    free(answer);
    return number;
}

char *fakepeer_pem(const char *name)
{
    char path[4096];
    char *folder = fakepeer_ask("folder");
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    free(folder);
    return unit_read_file(path, NULL);
}
