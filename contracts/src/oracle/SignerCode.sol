// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Becomes the bytes that it is made with: its code is data. They begin with STOP, so calling it does nothing.
contract CodeAsData {
    constructor(bytes memory code) {
        // slither-disable-next-line assembly: nothing else returns bytes as code
        assembly ("memory-safe") {
            return(add(code, 32), mload(code))
        }
    }
}

/// A signer set as the code of an account of its own, which is read whole for little more than one word of storage costs:
/// STOP (1 byte), configDigest (32), then the signers (20 each), ascending.
library SignerCode {
    uint256 internal constant ADDRESS_BYTES = 20;

    /// Store a set for good. The account that has it from now on.
    function write(bytes32 configDigest, address[] memory signers) internal returns (address) {
        return address(new CodeAsData(bytes.concat(hex"00", configDigest, pack(signers))));
    }

    /// What `write` stored at `pointer`; the signers 20 bytes each.
    function read(address pointer) internal view returns (bytes32 configDigest, bytes memory packedSigners) {
        // slither-disable-next-line assembly: an account's code is split where it is read, without a second copy
        assembly ("memory-safe") {
            // Copied from its second byte on, the code has the digest where the length of the signers goes.
            packedSigners := mload(0x40)
            let size := sub(extcodesize(pointer), 1)
            extcodecopy(pointer, packedSigners, 1, size)
            configDigest := mload(packedSigners)
            mstore(packedSigners, sub(size, 32))
            mstore(0x40, add(packedSigners, and(add(size, 31), not(31))))
        }
    }

    function pack(address[] memory signers) internal pure returns (bytes memory packedSigners) {
        for (uint256 i = 0; i < signers.length; ++i) {
            packedSigners = bytes.concat(packedSigners, bytes20(signers[i]));
        }
    }

    function unpack(bytes memory packedSigners) internal pure returns (address[] memory signers) {
        signers = new address[](packedSigners.length / ADDRESS_BYTES);
        for (uint256 i = 0; i < signers.length; ++i) {
            address signer;
            // slither-disable-next-line assembly: Solidity does not read 20 bytes out of bytes in memory
            assembly ("memory-safe") {
                signer := shr(96, mload(add(add(packedSigners, 32), mul(i, ADDRESS_BYTES))))
            }
            signers[i] = signer;
        }
    }
}
