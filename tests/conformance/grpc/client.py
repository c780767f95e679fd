"""A stock gRPC client: stubs generated from the .proto files, nothing of ours but those.

usage: client.py STUBS COORDINATOR COMMAND [ARGUMENT...]
  ls PATH | put LOCAL PATH | get PATH LOCAL | stat PATH
"""

import hashlib
import queue
import sys

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from cairn.v1 import common_pb2, coordinator_pb2, coordinator_pb2_grpc  # noqa: E402
from cairn.v1 import datanode_pb2, datanode_pb2_grpc  # noqa: E402

BLOCK = 64 * 1024
FRAME = 512 * 1024


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def blocks(data):
    return [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]


class Cluster:
    def __init__(self, address):
        self.coordinator = coordinator_pb2_grpc.CoordinatorServiceStub(grpc.insecure_channel(address))
        self.nodes = {}

    def learn(self, updates):
        for node in updates.nodes:
            self.nodes[node.node_number] = node

    def datanode(self, number):
        channel = grpc.insecure_channel(self.nodes[number].grpc_address)
        return datanode_pb2_grpc.DataNodeServiceStub(channel)

    def ls(self, path):
        after = ""
        while True:
            page = self.coordinator.List(coordinator_pb2.ListRequest(path=path, after=after, limit=2))
            for entry in page.entries:
                mark = "/" if entry.kind == common_pb2.ENTRY_KIND_DIRECTORY else ""
                print(f"{entry.name}{mark} {entry.size_bytes}")
            after = page.next_after
            if not after:
                return

    def put(self, local, path):
        with open(local, "rb") as file:
            data = file.read()
        begun = self.coordinator.BeginUpload(
            coordinator_pb2.BeginUploadRequest(path=path, size_bytes=len(data), parents=True)
        )
        self.learn(begun.nodes)
        chunks = []
        for index, at in enumerate(range(0, len(data), begun.chunk_size_bytes)):
            lease = self.coordinator.LeasePlacements(
                coordinator_pb2.LeasePlacementsRequest(
                    session_id=begun.session_id, first_chunk_index=index, count=1
                )
            )
            self.learn(lease.nodes)
            chunk = data[at : at + begun.chunk_size_bytes]
            chunks.append(self.store(begun, lease.placements[0], chunk))
        done = self.coordinator.CommitUpload(
            coordinator_pb2.CommitUploadRequest(
                session_id=begun.session_id,
                chunks=chunks,
                size_bytes=len(data),
                sha256=hashlib.sha256(data).digest(),
            )
        )
        print(f"{done.entry.name} {done.entry.size_bytes}")

    def store(self, begun, placement, chunk):
        chunk_id = hashlib.sha256(chunk).digest()

        def requests():
            yield datanode_pb2.StoreChunkRequest(
                open=datanode_pb2.StoreChunkOpen(
                    session_id=begun.session_id,
                    chunk_id=chunk_id,
                    length_bytes=len(chunk),
                    length_limit_bytes=len(chunk),
                    replica_node_numbers=placement.node_numbers[1:],
                    write_quorum=begun.write_quorum,
                    epoch=placement.epoch,
                )
            )
            for at in range(0, len(chunk), FRAME):
                data = chunk[at : at + FRAME]
                yield datanode_pb2.StoreChunkRequest(
                    data=datanode_pb2.ChunkDataStream(
                        session_id=begun.session_id,
                        chunk_id=chunk_id,
                        offset_bytes=at,
                        is_final=at + len(data) == len(chunk),
                        block_checksums=[crc32c(block) for block in blocks(data)],
                        data=data,
                    )
                )

        for answer in self.datanode(placement.node_numbers[0]).StoreChunk(requests()):
            if answer.WhichOneof("step") == "result":
                return coordinator_pb2.UploadedChunk(
                    chunk_id=answer.result.chunk_id,
                    length_bytes=answer.result.length_bytes,
                    receipts=answer.result.receipts,
                    epoch=placement.epoch,
                )
        raise RuntimeError("the node ended the call without a result")

    def get(self, path, local):
        opened = self.coordinator.OpenFile(coordinator_pb2.OpenFileRequest(path=path))
        self.learn(opened.nodes)
        whole = hashlib.sha256()
        with open(local, "wb") as file:
            if opened.HasField("inline_bytes"):
                file.write(opened.inline_bytes)
                whole.update(opened.inline_bytes)
            for chunk in opened.chunks:
                for data in self.retrieve(chunk):
                    file.write(data)
                    whole.update(data)
        # A file has the hash of all of it where its writer wanted that.
        if opened.entry.sha256 and whole.digest() != opened.entry.sha256:
            raise RuntimeError("the file is not what was stored")

    def retrieve(self, chunk):
        steps = queue.Queue()
        steps.put(
            datanode_pb2.RetrieveChunkRequest(
                open=datanode_pb2.RetrieveChunkOpen(chunk_id=chunk.chunk_id, window_bytes=2 * 1024 * 1024)
            )
        )
        taken = 0
        for answer in self.datanode(chunk.node_numbers[0]).RetrieveChunk(iter(steps.get, None)):
            for block, checksum in zip(blocks(answer.data.data), answer.data.block_checksums):
                if crc32c(block) != checksum:
                    raise RuntimeError("a block is not what was stored")
            yield answer.data.data
            taken += len(answer.data.data)
            ack = datanode_pb2.ChunkDataAck(bytes_received=taken, ready_for_next=True)
            steps.put(datanode_pb2.RetrieveChunkRequest(ack=ack))
            if answer.data.is_final:
                steps.put(None)

    def stat(self, path):
        entry = self.coordinator.Stat(coordinator_pb2.StatRequest(path=path)).entry
        print(f"{entry.name} {entry.size_bytes} {entry.sha256.hex()}")


def main():
    cluster = Cluster(sys.argv[2])
    try:
        getattr(cluster, sys.argv[3])(*sys.argv[4:])
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        sys.exit(1)


main()
