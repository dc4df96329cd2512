"""Message classes, made at run from a descriptor set that Gate itself reads."""

from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Messages:
    def __init__(self, descriptors: Path, package: str):
        self._package = package
        self._pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file:
            self._pool.Add(file)

    def message(self, name: str):
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"{self._package}.{name}"))

    def number(self, enum: str, value: str | int) -> int:
        """A number stands for itself, also one that the enum does not have."""
        if isinstance(value, int):
            return value
        return self._pool.FindEnumTypeByName(f"{self._package}.{enum}").values_by_name[value].number
