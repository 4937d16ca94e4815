// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateText} from "./CertificateArt.sol";
import {SafeText} from "./SafeText.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";

/// A certificate's metadata: the fields of ERC-721 and, as markets read them, attributes.
/// https://docs.opensea.io/docs/metadata-standards
library CertificateJson {
    function uri(CertificateText memory text, string memory svg) internal pure returns (string memory) {
        string memory json = string.concat(
            string.concat('{"name":"Retirement certificate ', text.number, '","description":"', _description(text)),
            string.concat('","image":"data:image/svg+xml;base64,', Base64.encode(bytes(svg)), '","attributes":['),
            string.concat(_attributes(text), "]}")
        );
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// Markets read it as Markdown, so nothing in it is text from strangers, who could put links there.
    function _description(CertificateText memory text) private pure returns (string memory) {
        return string.concat(
            string.concat(text.grams, " CO2e (", text.tonnes, ") of project ", SafeText.inJson(text.project)),
            string.concat(", vintage ", text.vintage, ", retired on ", text.day, " (UTC) for good. Serials "),
            string.concat(text.firstSerial, " to ", text.lastSerial, " in the order of issuance, first in first out: "),
            "a convention, since units are alike. Beneficiary and purpose are as the holder stated them."
        );
    }

    function _attributes(CertificateText memory text) private pure returns (string memory list) {
        list = string.concat(_first("Project", text.project), _next("Vintage", text.vintage));
        list = string.concat(list, _next("CO2e", text.mass), _next("CO2e exactly", text.grams));
        list = string.concat(list, _next("First serial", text.firstSerial), _next("Last serial", text.lastSerial));
        list = string.concat(list, _next("Retired on", text.day));
        if (bytes(text.name).length != 0) list = string.concat(list, _next("Beneficiary", text.name));
        if (bytes(text.nameHash).length != 0) list = string.concat(list, _next("Name hash", text.nameHash));
        list = string.concat(list, _next("Beneficiary account", text.account), _next("Retired by", text.holder));
        if (bytes(text.purpose).length != 0) list = string.concat(list, _next("Purpose", text.purpose));
        list = string.concat(list, _next("Credit token", text.token), _next("Chain id", text.chain));
    }

    function _next(string memory trait, string memory text) private pure returns (string memory) {
        return string.concat(",", _first(trait, text));
    }

    function _first(string memory trait, string memory text) private pure returns (string memory) {
        return string.concat('{"trait_type":"', trait, '","value":"', SafeText.inJson(text), '"}');
    }
}
