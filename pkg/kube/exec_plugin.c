#include "kube/exec_plugin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

enum {
    OUTPUT_LIMIT = 1 << 20,
    /* The expiry is a time on the wall clock, which may be set, and which goes on while a machine
     * sleeps: the timer looks at it this often. */
    LOOK_MS = 60 * 1000,
};

struct exec_plugin {
    struct loop *loop;
    const struct kube_config *config;
    const struct auth_periods *periods;
    const struct exec_plugin_handler *handler;
    void *arg;
    struct loop_child *child; /* NULL: not running */
    struct loop_timer *timer;
    int64_t ended_ms;    /* when the last run was over, on the loop's clock */
    int64_t renew_at_ms; /* wall clock; 0: the credentials do not expire, or there are none */
    unsigned failures;   /* runs that failed since the last good one */
};

static void arm_renewal(struct exec_plugin *plugin)
{
    if (plugin->renew_at_ms == 0) {
        return;
    }
    int64_t delay = plugin->renew_at_ms - clock_wall_ms();
    int64_t floor = plugin->ended_ms + plugin->periods->renew_floor_ms - loop_now_ms(plugin->loop);
    delay = delay > floor ? delay : floor;
    loop_timer_arm(plugin->timer, delay < LOOK_MS ? delay : LOOK_MS);
}

/* Between half and all of what the doubling gives, so that replicas do not march in step. */
static int64_t backoff(struct exec_plugin *plugin)
{
    int64_t delay = plugin->periods->backoff_min_ms;
    for (unsigned i = 1; i < plugin->failures && delay < plugin->periods->backoff_max_ms; i++) {
        delay *= 2;
    }
    if (delay > plugin->periods->backoff_max_ms) {
        delay = plugin->periods->backoff_max_ms;
    }
    return delay / 2 + (int64_t)loop_random(plugin->loop, (uint64_t)(delay / 2) + 1);
}

static void succeeded(struct exec_plugin *plugin, struct exec_credential *credential)
{
    plugin->failures = 0;
    plugin->ended_ms = loop_now_ms(plugin->loop);
    plugin->renew_at_ms = exec_credential_renew_at(clock_wall_ms(), credential->expires_ms);
    arm_renewal(plugin);
    plugin->handler->done(plugin->arg, credential, NULL);
}

static void failed(struct exec_plugin *plugin, struct err *err)
{
    const char *hint = plugin->config->exec->install_hint;
    struct err told = *err;
    err_wrap(&told, "exec plugin %s", plugin->config->exec->argv[0]);
    if (hint != NULL) {
        struct err plain = told;
        err_set(&told, plain.kind, "%s; %s", plain.text, hint);
    }
    plugin->failures++;
    plugin->ended_ms = loop_now_ms(plugin->loop);
    loop_timer_arm(plugin->timer, backoff(plugin));
    plugin->handler->done(plugin->arg, NULL, &told);
}

static int check_exit(int status, struct err *err)
{
    if (WIFSIGNALED(status)) {
        return err_set(err, ERR_RETRY, "killed by signal %d", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != 0) {
        return err_set(err, ERR_RETRY, "failed with exit code %d", WEXITSTATUS(status));
    }
    return 0;
}

static void child_done(void *arg, const struct loop_child_result *result)
{
    struct exec_plugin *plugin = arg;
    AUTO(exec_credential) struct exec_credential credential = {0};
    struct err err = {0};
    int good = -1;
    if (result->err != NULL) {
        err = *result->err;
    } else if (check_exit(result->exit_status, &err) == 0) {
        good = exec_credential_parse(result->output, result->output_len,
                                     plugin->config->exec->api_version, &credential, &err);
    }
    loop_child_destroy(take_ptr(plugin->child));
    if (good == 0) {
        succeeded(plugin, &credential);
    } else {
        failed(plugin, &err);
    }
}

void exec_plugin_run(struct exec_plugin *plugin)
{
    const struct kube_exec *exec = plugin->config->exec;
    struct err err = {0};
    if (plugin->child != NULL) {
        return;
    }
    loop_timer_disarm(plugin->timer);
    AUTO_FREE char *info =
        exec_credential_info(plugin->config, plugin->handler->ca_pem(plugin->arg));
    char **env = exec_credential_env(environ, exec->env, info);
    int result = loop_child_spawn(plugin->loop, exec->argv, env, plugin->periods->plugin_ms,
                                  OUTPUT_LIMIT, child_done, plugin, &plugin->child, &err);
    exec_credential_env_free(env);
    if (result < 0) {
        failed(plugin, &err);
    }
}

static void timer_fired(void *arg)
{
    struct exec_plugin *plugin = arg;
    if (plugin->failures == 0 && clock_wall_ms() < plugin->renew_at_ms) {
        arm_renewal(plugin);
        return;
    }
    exec_plugin_run(plugin);
}

void exec_plugin_rejected(struct exec_plugin *plugin)
{
    int64_t since = loop_now_ms(plugin->loop) - plugin->ended_ms;
    if (plugin->failures == 0 && since >= plugin->periods->rejected_ms) {
        exec_plugin_run(plugin);
    }
}

struct exec_plugin *exec_plugin_create(struct loop *loop, const struct kube_config *config,
                                       const struct auth_periods *periods,
                                       const struct exec_plugin_handler *handler, void *arg)
{
    struct exec_plugin *plugin = xcalloc(1, sizeof(*plugin));
    plugin->loop = loop;
    plugin->config = config;
    plugin->periods = periods;
    plugin->handler = handler;
    plugin->arg = arg;
    plugin->timer = loop_timer_create(loop, timer_fired, plugin);
    return plugin;
}

void exec_plugin_destroy(struct exec_plugin *plugin)
{
    if (plugin == NULL) {
        return;
    }
    loop_child_destroy(plugin->child);
    loop_timer_destroy(plugin->timer);
    free(plugin);
}
