# SPDX-License-Identifier: BSD-2-Clause
#
# The host tools, built by build.sh:
#	make -f tools/tools.mk TOP=<tree> O=<output directory>

HOSTCC ?= cc
HOSTCFLAGS = -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror

TOOLS = config ksyms

all: $(TOOLS:%=$(O)/%)

config_SRCS = $(addprefix $(TOP)/tools/config/,main.c parse.c cond.c emit.c \
	util.c)
config_DEPS = $(TOP)/tools/config/config.h
ksyms_SRCS = $(TOP)/tools/ksyms/ksyms.c

.SECONDEXPANSION:
$(TOOLS:%=$(O)/%): $(O)/%: $$($$*_SRCS) $$($$*_DEPS) $(TOP)/tools/tools.mk
	$(HOSTCC) $(HOSTCFLAGS) -o $@.new $($*_SRCS)
	mv $@.new $@

.PHONY: all
.DELETE_ON_ERROR:
