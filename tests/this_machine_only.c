/*
 * Preloaded into a program: it and its children reach this machine only, and whatever else native
 * code or Python tries is refused and written as a line to the file that $CONTACTS names.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void note(const char *what, const char *whom) {
    char line[400];
    int length = snprintf(line, sizeof line, "%s %.300s\n", what, whom);
    int file = open(getenv("CONTACTS"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, length) != length) abort();  /* never unseen */
    close(file);
}

/* ---- names ---- */

static int is_foreign(const char *name) {
    unsigned char address[16];
    if (name == NULL || strcmp(name, "localhost") == 0) return 0;
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) return 0;
    note("looks up", name);
    return 1;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    return is_foreign(name) ? EAI_AGAIN : REAL(getaddrinfo)(name, service, hints, found);
}

struct hostent *gethostbyname(const char *name) {
    if (!is_foreign(name)) return REAL(gethostbyname)(name);
    h_errno = TRY_AGAIN;
    return NULL;
}

int gethostbyname_r(const char *name, struct hostent *entry, char *buffer, size_t size,
                    struct hostent **found, int *error) {
    if (!is_foreign(name)) return REAL(gethostbyname_r)(name, entry, buffer, size, found, error);
    *found = NULL;
    *error = TRY_AGAIN;
    return EAGAIN;
}

/* ---- addresses ---- */

static int is_here(const struct sockaddr *to, char *whom, size_t size) {
    char address[INET6_ADDRSTRLEN] = "?";
    int port, here;
    if (to == NULL) return 1;  /* a socket that is connected already */
    if (to->sa_family == AF_INET) {
        const struct sockaddr_in *known = (const struct sockaddr_in *)to;
        in_addr_t number = ntohl(known->sin_addr.s_addr);
        here = number >> 24 == 127 || number == INADDR_ANY;
        port = ntohs(known->sin_port);
        inet_ntop(AF_INET, &known->sin_addr, address, sizeof address);
    } else if (to->sa_family == AF_INET6) {
        const struct sockaddr_in6 *known = (const struct sockaddr_in6 *)to;
        const struct in6_addr *number = &known->sin6_addr;
        here = IN6_IS_ADDR_LOOPBACK(number) || IN6_IS_ADDR_UNSPECIFIED(number) ||
               (IN6_IS_ADDR_V4MAPPED(number) && number->s6_addr[12] == 127);
        port = ntohs(known->sin6_port);
        inet_ntop(AF_INET6, number, address, sizeof address);
    } else {
        return 1;  /* files and the kernel */
    }
    snprintf(whom, size, "%s port %d", address, port);
    return here && port != 53;  /* a name server here asks others */
}

static int is_refused(const struct sockaddr *to) {
    char whom[100];
    if (is_here(to, whom, sizeof whom)) return 0;
    note("contacts", whom);
    errno = ENETUNREACH;
    return 1;
}

int connect(int socket, __CONST_SOCKADDR_ARG to, socklen_t length) {
    return is_refused(to.__sockaddr__) ? -1 : REAL(connect)(socket, to, length);
}

ssize_t sendto(int socket, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to,
               socklen_t length) {
    return is_refused(to.__sockaddr__) ? -1 : REAL(sendto)(socket, bytes, size, flags, to, length);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    return is_refused(message->msg_name) ? -1 : REAL(sendmsg)(socket, message, flags);
}

int sendmmsg(int socket, struct mmsghdr *messages, unsigned int n, int flags) {
    for (unsigned int i = 0; i < n; i++)
        if (is_refused(messages[i].msg_hdr.msg_name)) return -1;
    return REAL(sendmmsg)(socket, messages, n, flags);
}
