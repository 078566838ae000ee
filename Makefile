# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help deb test lint proto manual freeze fuzz sim flood

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything the ordinary CI checks: protobuf tree, formatting, vet, cross builds, all tests
	@build/test.sh all

lint: ## the checks of `make test` that run no test
	@build/test.sh lint

proto: ## generate the Go code of the protobuf tree anew
	@build/proto.sh generate

manual: ## write the pages about kinds, rules and indicators in docs/ anew, from the descriptors and the rule pack
	@go test ./care/manual -update
	@go test ./care/export -update
	@go test ./care/indicators -run Manual -update

freeze: ## write down today's protobuf tree as released: from then on `make test` refuses breaking changes to it
	@build/proto.sh freeze

fuzz: ## run each fuzz target for FUZZTIME (default 30s)
	@build/fuzz.sh

sim: ## simulate whole counties for SIMTIME (default 1h), each run from a fresh seed that is printed
	@build/test.sh sim

deb: ## build the Debian package in dist/ (ARCH=amd64 or arm64): the same commit gives the same bytes
	@build/deb.sh

flood: ## attack a server and fail where others wait longer than the limit; for a machine with nothing else to do
	@build/test.sh flood
