// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";

/// Shows tokens of any ERC-721 collection with metadata, as a wallet does: each account may hang what it owns.
contract CertificateGallery {
    error NoCollection(address token);
    error NotOwner(address owner);

    struct Picture {
        string collection;
        string symbol;
        uint256 tokenId;
        string uri;
    }

    mapping(address account => address) internal _tokens;
    mapping(address account => uint256) internal _tokenIds;

    function hang(address token, uint256 tokenId) external {
        if (!ERC165Checker.supportsInterface(token, type(IERC721Metadata).interfaceId)) revert NoCollection(token);
        address owner = IERC721Metadata(token).ownerOf(tokenId);
        if (owner != msg.sender) revert NotOwner(owner);
        _tokens[msg.sender] = token;
        _tokenIds[msg.sender] = tokenId;
    }

    function pictureOf(address account) external view returns (Picture memory picture) {
        IERC721Metadata token = IERC721Metadata(_tokens[account]);
        picture.collection = token.name();
        picture.symbol = token.symbol();
        picture.tokenId = _tokenIds[account];
        picture.uri = token.tokenURI(picture.tokenId);
    }
}
