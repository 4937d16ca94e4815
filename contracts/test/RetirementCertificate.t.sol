// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit, Retirement} from "../src/credits/ICarbonCredit.sol";
import {IERC5192} from "../src/credits/IERC5192.sol";
import {IRetirementCertificate} from "../src/credits/IRetirementCertificate.sol";
import {RetirementCertificate} from "../src/credits/RetirementCertificate.sol";
import {SafeText} from "../src/credits/SafeText.sol";
import {CreditFake} from "./FeedsFixture.sol";
import {Test} from "./Vm.sol";
import {XmlScan} from "./XmlScan.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// https://getfoundry.sh/reference/cheatcodes/overview
interface VmJson {
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonKeys(string calldata json, string calldata key) external pure returns (string[] memory);
}

contract RetirementCertificateTest is Test {
    VmJson internal constant json = VmJson(address(vm));
    address internal constant HOLDER = address(0xA11CE);
    address internal constant BENEFICIARY = address(0xBE4EF1);
    address internal constant STRANGER = address(0x57A6E);
    bytes32 internal constant PROJECT = "rooftops";
    uint64 internal constant JUNE = 1_780_272_000; // 2026-06-01
    string internal constant NAME = "Cathay Pastry Ltd";

    CreditFake internal credit;
    RetirementCertificate internal certificate;
    /// Elements of an image without name or purpose.
    uint256 internal plainElements;

    function setUp() public {
        vm.warp(JUNE + 3 days);
        credit = new CreditFake();
        certificate = new RetirementCertificate(ICarbonCredit(address(credit)));
        credit.put(1, _retirement(2500, NAME, "Flight CX255 to London"));
        credit.put(3, _retirement(2500, "", ""));
        plainElements = XmlScan.elements(_image(_document(3)));
    }

    function test_aCertificateBelongsToTheBeneficiary() public {
        vm.expectEmit(true, true, true, true, address(certificate));
        emit IERC721.Transfer(address(0), BENEFICIARY, 1);
        vm.expectEmit(true, true, true, true, address(certificate));
        emit IERC5192.Locked(1);
        vm.prank(STRANGER);
        certificate.certify(1);
        vm.assertEq(certificate.ownerOf(1), BENEFICIARY);
        vm.assertEq(certificate.balanceOf(BENEFICIARY), 2); // and the one of the set-up
        vm.assertTrue(certificate.locked(1));
        vm.assertEq(address(certificate.carbonCredit()), address(credit));
        _same(certificate.name(), "Heliograph Retirement Certificate");
        _same(certificate.symbol(), "RETIRED");
    }

    /// Invariant: eachRetirementCertifiedAtMostOnce.
    function test_eachRetirementCertifiedAtMostOnce(uint256 id, address first, address second) public {
        vm.assume(id != 3);
        credit.put(id, _retirement(1, "", ""));
        vm.prank(first);
        certificate.certify(id);
        vm.expectRevert(abi.encodeWithSelector(IRetirementCertificate.AlreadyCertified.selector, id));
        vm.prank(second);
        certificate.certify(id);
        vm.assertEq(certificate.balanceOf(BENEFICIARY), 2); // it, and the one of the set-up
    }

    function test_whatWasNotRetiredIsNotCertified(uint256 id) public {
        vm.assume(id != 1 && id != 3);
        bytes memory missing = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id);
        vm.expectRevert(abi.encodeWithSelector(CreditFake.UnknownRetirement.selector, id));
        certificate.certify(id);
        vm.expectRevert(missing);
        certificate.tokenURI(id);
        vm.expectRevert(missing);
        certificate.locked(id);
        vm.expectRevert(missing);
        certificate.isNameOf(id, "", 0);
    }

    /// Invariant: certificatesNeverMove.
    function test_certificatesNeverMove(address to, bytes memory note) public {
        vm.assume(to != address(0) && to != BENEFICIARY);
        certificate.certify(1);
        bytes memory stays = abi.encodeWithSelector(IRetirementCertificate.CertificateStays.selector, 1);
        vm.expectRevert(stays);
        vm.prank(BENEFICIARY);
        certificate.transferFrom(BENEFICIARY, to, 1);
        vm.expectRevert(stays);
        vm.prank(BENEFICIARY);
        certificate.transferFrom(BENEFICIARY, BENEFICIARY, 1);
        vm.expectRevert(stays);
        vm.prank(BENEFICIARY);
        certificate.safeTransferFrom(BENEFICIARY, to, 1, note);
        vm.expectRevert(stays);
        vm.prank(BENEFICIARY);
        certificate.approve(to, 1);
        vm.expectRevert(abi.encodeWithSelector(IRetirementCertificate.NoOperators.selector));
        vm.prank(BENEFICIARY);
        certificate.setApprovalForAll(to, true);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, to, 1));
        vm.prank(to);
        certificate.transferFrom(BENEFICIARY, to, 1);
        vm.assertEq(certificate.ownerOf(1), BENEFICIARY);
        vm.assertEq(certificate.getApproved(1), address(0));
        vm.assertFalse(certificate.isApprovedForAll(BENEFICIARY, to));
    }

    function test_saysWhatItCanDo() public view {
        vm.assertTrue(certificate.supportsInterface(0xb45a3c0e)); // ERC-5192, as published
        vm.assertTrue(certificate.supportsInterface(type(IERC721).interfaceId));
        vm.assertTrue(certificate.supportsInterface(type(IERC721Metadata).interfaceId));
        vm.assertTrue(certificate.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(certificate.supportsInterface(0xffffffff));
    }

    function test_showsWhatWasRetired() public {
        string memory document = _document(1);
        _same(json.parseJsonString(document, ".name"), "Retirement certificate 1");
        _same(
            json.parseJsonString(document, ".description"),
            "2,500 g CO2e (0.0025 t) of project rooftops, vintage 2026, retired on 2026-06-01 (UTC) for good. "
            "Serials 1,001 to 3,500 in the order of issuance, first in first out: a convention, since units are alike. "
            "Beneficiary and purpose are as the holder stated them."
        );
        _hasTrait(document, 0, "Project", "rooftops");
        _hasTrait(document, 1, "Vintage", "2026");
        _hasTrait(document, 2, "CO2e", "2.5 kg");
        _hasTrait(document, 3, "CO2e exactly", "2,500 g");
        _hasTrait(document, 4, "First serial", "1,001");
        _hasTrait(document, 5, "Last serial", "3,500");
        _hasTrait(document, 6, "Retired on", "2026-06-01");
        _hasTrait(document, 7, "Beneficiary", NAME);
        _hasTrait(document, 8, "Beneficiary account", Strings.toChecksumHexString(BENEFICIARY));
        _hasTrait(document, 9, "Retired by", Strings.toChecksumHexString(HOLDER));
        _hasTrait(document, 10, "Purpose", "Flight CX255 to London");
        _hasTrait(document, 11, "Credit token", Strings.toChecksumHexString(address(credit)));
        _hasTrait(document, 12, "Chain id", Strings.toString(block.chainid));
        string memory svg = _image(document);
        vm.assertTrue(XmlScan.elements(svg) > 20);
        _shows(svg, ">2.5 kg CO<tspan");
        _shows(svg, ">exactly 2,500 g = 0.0025 t<");
        _shows(svg, ">Serials 1,001 to 3,500<");
        _shows(svg, ">rooftops<");
        _shows(svg, ">2026<");
        _shows(svg, ">2026-06-01<");
        _shows(svg, string.concat(">", NAME, "<"));
        _shows(svg, ">Flight CX255 to London<");
        _shows(svg, Strings.toChecksumHexString(BENEFICIARY));
    }

    /// Invariant: namesAreOptIn.
    /// forge-config: default.fuzz.runs = 64
    function test_namesAreOptIn(bool isHashed, bytes32 salt, bytes32 otherSalt) public {
        vm.assume(salt != otherSalt);
        Retirement memory retired = _retirement(2500, "", "");
        if (isHashed) retired.nameHash = keccak256(abi.encode(NAME, salt));
        credit.put(2, retired);
        string memory document = _document(2);
        string memory svg = _image(document);
        vm.assertFalse(_contains(document, '"trait_type":"Beneficiary",'));
        vm.assertFalse(_contains(svg, NAME) || _contains(document, NAME));
        vm.assertTrue(_contains(svg, "Name withheld") == isHashed);
        vm.assertTrue(_contains(document, '"trait_type":"Name hash"') == isHashed);
        vm.assertTrue(_contains(svg, Strings.toHexString(uint256(retired.nameHash), 32)) == isHashed);
        _shows(svg, Strings.toChecksumHexString(BENEFICIARY));
        // Whoever is told name and salt can check them; nobody else can.
        vm.assertTrue(certificate.isNameOf(2, NAME, salt) == isHashed);
        vm.assertFalse(certificate.isNameOf(2, NAME, otherSalt));
        vm.assertFalse(certificate.isNameOf(2, "Cathay Pastry", salt));
    }

    /// Invariant: certificateTextIsEscaped.
    /// forge-config: default.fuzz.runs = 64
    function test_certificateTextIsEscaped(bytes memory name, bytes memory purpose) public {
        _isEscaped(string(name), string(purpose));
    }

    /// The rest of the invariant: what a stranger who means harm would write.
    /// forge-config: default.fuzz.runs = 64
    function test_certificateTextIsEscaped(uint256 seed) public {
        _isEscaped(_hostile(seed), _hostile(uint256(keccak256(abi.encode(seed)))));
    }

    function test_largestRetirementFits(uint256 id, uint80 grams, uint80 firstSerial, uint64 retiredAt) public {
        Retirement memory retired = _retirement(bound(grams, 1, type(uint80).max), NAME, "");
        retired.firstSerial = bound(firstSerial, 1, type(uint80).max);
        retired.retiredAt = retiredAt;
        credit.put(id, retired);
        vm.assertTrue(XmlScan.elements(_image(_document(id))) > 20);
    }

    function _isEscaped(string memory name, string memory purpose) internal {
        Retirement memory retired = _retirement(2500, name, purpose);
        credit.put(2, retired);
        string memory document = _document(2);
        string memory cleanName = SafeText.clean(name);
        string memory cleanPurpose = SafeText.clean(purpose);
        // A reader of JSON gets back the clean text and no key besides.
        vm.assertEq(json.parseJsonKeys(document, "$").length, 4);
        uint256 next = 7;
        if (bytes(cleanName).length != 0) _hasTrait(document, next++, "Beneficiary", cleanName);
        next += 2;
        if (bytes(cleanPurpose).length != 0) _hasTrait(document, next++, "Purpose", cleanPurpose);
        _hasTrait(document, next, "Credit token", Strings.toChecksumHexString(address(credit)));
        // The image has one element for each line, and strangers' text adds none.
        uint256 lines = XmlScan.elements(_image(document)) - plainElements;
        vm.assertLe(lines, 5);
        vm.assertTrue((lines == 0) == (bytes(cleanName).length + bytes(cleanPurpose).length == 0));
    }

    /// Random pieces of what breaks documents.
    function _hostile(uint256 seed) internal pure returns (string memory text) {
        string[16] memory pieces = [
            '"',
            "\\",
            "'",
            "<",
            ">",
            "&",
            "</text>",
            "<script>alert(1)</script>",
            "]]>",
            '"}],"image":"x',
            "\\u0022",
            "&#x3C;",
            "\n\x00\x1b",
            string(bytes(hex"ff")),
            string(hex"e280ae"),
            unicode"沙田 "
        ];
        for (uint256 i = 0; i < 12; ++i) {
            text = string.concat(text, pieces[draw(seed, i, 0, 15)]);
        }
    }

    function _retirement(uint256 grams, string memory name, string memory purpose)
        internal
        pure
        returns (Retirement memory)
    {
        return Retirement({
            id: uint256(PROJECT) | 2026,
            grams: grams,
            firstSerial: 1001,
            retiredAt: JUNE,
            holder: HOLDER,
            beneficiary: BENEFICIARY,
            nameHash: 0,
            name: name,
            purpose: purpose
        });
    }

    /// The JSON of a certificate, made first if it is not yet.
    function _document(uint256 id) internal returns (string memory) {
        try certificate.certify(id) {} catch {}
        return _decoded(certificate.tokenURI(id), "data:application/json;base64,");
    }

    function _image(string memory document) internal pure returns (string memory) {
        return _decoded(json.parseJsonString(document, ".image"), "data:image/svg+xml;base64,");
    }

    function _decoded(string memory uri, string memory scheme) internal pure returns (string memory) {
        bytes memory given = bytes(uri);
        _same(string(Bytes.slice(given, 0, bytes(scheme).length)), scheme);
        return string(Base64.decode(string(Bytes.slice(given, bytes(scheme).length))));
    }

    function _hasTrait(string memory document, uint256 index, string memory trait, string memory text) internal pure {
        string memory path = string.concat(".attributes[", Strings.toString(index), "]");
        _same(json.parseJsonString(document, string.concat(path, ".trait_type")), trait);
        _same(json.parseJsonString(document, string.concat(path, ".value")), text);
    }

    function _shows(string memory svg, string memory text) internal pure {
        vm.assertTrue(_contains(svg, text));
    }

    function _contains(string memory text, string memory part) internal pure returns (bool) {
        bytes memory whole = bytes(text);
        bytes32 sought = keccak256(bytes(part));
        uint256 length = bytes(part).length;
        for (uint256 i = 0; i + length <= whole.length; ++i) {
            if (whole[i] == bytes(part)[0] && keccak256(Bytes.slice(whole, i, i + length)) == sought) return true;
        }
        return false;
    }

    function _same(string memory given, string memory expected) internal pure {
        vm.assertTrue(Strings.equal(given, expected));
    }
}
