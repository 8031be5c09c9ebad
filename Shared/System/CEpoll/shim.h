/* What Swift's Glibc module leaves out of Linux's event interface. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* Declared by the system only under _GNU_SOURCE, which Glibc's module is built without. */
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
