#include "nats_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = descriptor >= 0 &&
                 bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 &&
                 getsockname(descriptor, (struct sockaddr *)&address, &length) == 0;
    close(descriptor);
    return found ? ntohs(address.sin_port) : 0;
}

static void run(const struct nats_server *server, pid_t parent)
{
    char configuration[128], log[128];
    snprintf(configuration, sizeof configuration, "%s/nats.conf", server->directory);
    snprintf(log, sizeof log, "%s/log", server->directory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    execlp("nats-server", "nats-server", "-c", configuration, "-l", log, (char *)NULL);
    execl("/usr/sbin/nats-server", "nats-server", "-c", configuration, "-l", log, (char *)NULL);
    _exit(127);
}

bool nats_server_configure(const struct nats_server *server, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/nats.conf", server->directory);
    FILE *file = fopen(path, "w");
    if (!CHECK(file, "its file"))
        return false;
    fprintf(file, "listen: 127.0.0.1:%d\njetstream { store_dir: \"%s/store\" }\n%s\n", server->port,
            server->directory, text);
    return CHECK(fclose(file) == 0, "its file is written");
}

bool nats_server_start(struct nats_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid == 0)
        run(server, parent);
    return CHECK(server->pid > 0, "a nats-server is started");
}

bool nats_server_make(struct nats_server *server, const char *configuration)
{
    *server = (struct nats_server){.port = free_port()};
    strcpy(server->directory, "/tmp/sticky-nats-XXXXXX");
    if (!CHECK(mkdtemp(server->directory), "a directory") ||
        !CHECK(server->port > 0, "a free port") ||
        !nats_server_configure(server, configuration ? configuration : ""))
        return false;
    snprintf(server->url, sizeof server->url, "nats://127.0.0.1:%d", server->port);
    return nats_server_start(server);
}

void nats_server_kill(struct nats_server *server)
{
    int status;
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, &status, 0);
    CHECK(!WIFEXITED(status), "nats-server ran until it was killed");
    server->pid = 0;
}

void nats_server_stop(struct nats_server *server)
{
    kill(server->pid, SIGSTOP);
}

void nats_server_continue(struct nats_server *server)
{
    kill(server->pid, SIGCONT);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void nats_server_wipe(struct nats_server *server)
{
    char path[128];
    snprintf(path, sizeof path, "%s/store", server->directory);
    remove_tree(path);
}

void nats_server_remove(struct nats_server *server)
{
    nats_server_kill(server);
    remove_tree(server->directory);
}
